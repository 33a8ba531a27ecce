//go:build e2e

package e2e

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// stakesStory: while records flow, a stake is changed, and a validator added and
// removed again. The chain goes on: no pod is started anew, and no record is lost.
func stakesStory(t *testing.T, w *world) {
	n := w.quickstart(t)
	before := n.lives(t)
	flow := n.startFlow(t, n.validators(t)...)

	n.edit(t, func(s *v1alpha1.PosNetworkSpec) { s.Validators[2].Stake = 25 })
	n.awaitStake(t, "carol", 25)

	n.edit(t, func(s *v1alpha1.PosNetworkSpec) {
		s.Validators = append(s.Validators, v1alpha1.Validator{Name: "erin", Stake: 15})
	})
	n.awaitStake(t, "erin", 15)
	n.awaitRunning(t)
	n.sameBlocks(t)

	n.edit(t, func(s *v1alpha1.PosNetworkSpec) {
		s.Validators = s.Validators[:4]
		s.Validators[2].Stake = 23
	})
	n.awaitStake(t, "carol", 23)
	erin := client.ObjectKey{Namespace: n.key.Namespace, Name: kube.StatefulSetName(n.key.Name, "erin")}
	await(t, w, &appsv1.StatefulSetList{}, erin, "it is gone", func(s *appsv1.StatefulSet) bool { return s == nil })
	n.awaitPod(t, "erin", "it is gone", gone)
	now := n.awaitRunning(t)
	if now.Status.TotalStake != 100 || len(now.Status.Validators) != 4 {
		t.Errorf("after erin has left, the total stake is %d of %d validators", now.Status.TotalStake, len(now.Status.Validators))
	}
	flow.end(t)
	n.sameLives(t, before)
}

// awaitStake waits until a validator's stake counts on the chain.
func (n *network) awaitStake(t *testing.T, validator string, stake int64) {
	t.Helper()
	n.await(t, validator+"'s stake counts", func(now *v1alpha1.PosNetwork) bool {
		for _, v := range now.Status.Validators {
			if v.Name == validator {
				return v.EffectiveStake == stake && v.Online
			}
		}
		return false
	})
}
