package controllers

import (
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// follow has the nodes of a network followed in the background, and the changes
// of stake sent whose time has come.
func (r *Reconciler) follow(s *seen, p *planned) {
	n := nodes.Network{ID: s.identity.Genesis.Network(), Authority: s.identity.Authority}
	for _, node := range p.topology.Nodes {
		t := nodes.Target{Name: node.Name, Key: node.Keys.Sign, Stake: node.Stake}
		if pod := s.cluster.Pods[node.Name]; pod != nil {
			t.Address, t.Pod = r.address(pod), string(pod.UID)
		}
		n.Targets = append(n.Targets, t)
	}
	if !s.network.Spec.Paused && !s.identity.Authority.Public().IsZero() {
		n.Changes = p.changes.Send
	}
	r.nodes.Follow(client.ObjectKeyFromObject(s.network), n)
}

// podAddress is where a pod's client API answers.
func podAddress(p *corev1.Pod) string {
	if p.Status.PodIP == "" {
		return ""
	}
	return net.JoinHostPort(p.Status.PodIP, strconv.Itoa(kube.PortAPI))
}

// answer is what is known of a node, if it is the one that is meant: that of the
// pod which is there now, with the key that the validator signs with.
func (s *seen) answer(n plan.Node, pod *corev1.Pod) (nodes.Node, bool) {
	if pod == nil {
		return nodes.Node{}, false
	}
	for _, one := range s.nodes.Nodes {
		if one.Name == n.Name && one.Key == n.Keys.Sign && one.Pod == string(pod.UID) {
			return one, true
		}
	}
	return nodes.Node{}, false
}

// isOnline reports whether a validator's pod answers, is caught up, votes and is
// to stay.
func (s *seen) isOnline(n plan.Node, pod *corev1.Pod) bool {
	one, ok := s.answer(n, pod)
	return ok && one.Online && pod.DeletionTimestamp.IsZero()
}

// observed are the nodes as health judges them: those of the plan, and those of
// the spec that are not in it yet.
func (s *seen) observed(p *planned) []health.Node {
	var out []health.Node
	planned := map[string]bool{}
	if p != nil {
		for _, n := range p.topology.Nodes {
			planned[n.Name] = true
			one, _ := s.answer(n, s.cluster.Pods[n.Name])
			one.Node.Name, one.Node.Stake, one.Node.Address = n.Name, n.Stake, kube.NodeAddress(s.network, n.Name)
			out = append(out, one.Node)
		}
	}
	for _, v := range plan.Validators(&s.network.Spec) {
		if !planned[v.Name] {
			out = append(out, health.Node{Name: v.Name, Stake: v.Stake, Address: kube.NodeAddress(s.network, v.Name)})
		}
	}
	return out
}
