package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/ports"
)

// manifest is what a person applies.
func manifest(t *testing.T, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: " + name + ", namespace: " + namespace + "}\nspec:\n" + spec
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	// four validators, none of which is needed.
	four = "  validators: [{name: alice, stake: 30}, {name: bob, stake: 27}, {name: carol, stake: 23}, {name: dave, stake: 20}]\n"
	// busy makes blocks one after the other, idle none.
	busy = "  builder: {when: \"idle >= duration('300ms')\", interval: 100ms}\n  consensus: {minBlockInterval: 0s, proposeTimeout: 1s}\n"
	idle = "  builder: {when: \"false\"}\n"
)

// made lists what there is of a network, as "Kind name", in order.
func (r *rig) made(network string) []string {
	r.t.Helper()
	var out []string
	for kind, list := range map[string]client.ObjectList{
		"StatefulSet": &appsv1.StatefulSetList{}, "Secret": &corev1.SecretList{}, "ConfigMap": &corev1.ConfigMapList{}, "Service": &corev1.ServiceList{},
		"ServiceAccount": &corev1.ServiceAccountList{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudgetList{}, "NetworkPolicy": &networkingv1.NetworkPolicyList{},
		"PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{},
	} {
		if err := r.client.List(context.Background(), list, client.InNamespace(r.namespace), client.MatchingLabels{kube.LabelNetwork: network}); err != nil {
			r.t.Fatal(err)
		}
		err := meta.EachListItem(list, func(o runtime.Object) error {
			out = append(out, kind+" "+o.(client.Object).GetName())
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// awaitMade waits until there is this of a network, and nothing else.
func (r *rig) awaitMade(network string, want []string) {
	r.t.Helper()
	slices.Sort(want)
	await.True(r.t, "what there is of "+network, func() error {
		if got := r.made(network); !slices.Equal(got, want) {
			return fmt.Errorf("there is %s", strings.Join(got, ", "))
		}
		return nil
	})
}

// network and validator list what there is of each.
func ofNetwork(n string) []string {
	return []string{
		"ConfigMap " + n + "-genesis", "Secret " + n + "-authority", "Service " + n + "-nodes", "Service " + n + "-api",
		"ServiceAccount " + n + "-node", "NetworkPolicy " + n, "PodDisruptionBudget " + n,
	}
}

func ofValidator(n, v string) []string {
	v = n + "-" + v
	return []string{"StatefulSet " + v, "ConfigMap " + v + "-config", "Secret " + v + "-keys", "PersistentVolumeClaim data-" + v + "-0"}
}

func ofValidators(n string, validators ...string) []string {
	out := ofNetwork(n)
	for _, v := range validators {
		out = append(out, ofValidator(n, v)...)
	}
	return out
}

func TestANetworkComesToLife(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	n := r.await("alpha", "blocks are won", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height >= 12 && len(n.Status.Winners) == 10 })
	s := n.Status
	if s.TotalStake != 100 || s.OnlineStake != 100 || s.FaultMargin != 33 || s.ValidatorsOnline != "4/4" || s.HeadTime == nil || len(s.HeadHash) != 64 {
		t.Errorf("the status is %s", show(n))
	}
	if s.Winners[0].Height != s.Height || s.Winners[0].Hash != s.HeadHash || s.Endpoints.API != "ws://alpha-api."+r.namespace+".svc:9000/ws" {
		t.Errorf("the winners are %+v at %+v", s.Winners, s.Endpoints)
	}
	for _, want := range []string{"Ready True QuorumAgrees", "Degraded False AllOnline", "QuorumLost False QuorumOnline", "Diverged False SameBlocks"} {
		condition, like, _ := strings.Cut(want, " ")
		if !is(n, condition, like) {
			t.Errorf("%s is not %s: %s", condition, like, show(n))
		}
	}
	r.awaitMade("alpha", ofValidators("alpha", "alice", "bob", "carol", "dave"))
	r.awaitEvent("alpha", "Normal Created: the network begins, with 4 validators and genesis ")
	if e := r.events("alpha"); len(e) != 1 {
		t.Errorf("there are more Events: %v", e)
	}
}

// With a network that stands still, nothing is written and hardly anything asked.
func TestAnIdleNetworkIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+idle)
	n := r.awaitSettled("alpha")
	if n.Status.Height != 0 || n.Status.Phase != v1alpha1.PhaseRunning {
		t.Fatalf("it does not idle: %s", show(n))
	}
	r.quiet("while it idles", 0)
	// Reconciles that have nothing to do, too.
	for range 5 {
		pod := r.pods("alpha")["alice"]
		was := pod.DeepCopy()
		pod.Labels["example.com/touched"] = fmt.Sprint(time.Now().UnixNano())
		if err := r.client.Patch(t.Context(), pod, client.MergeFrom(was)); err != nil {
			t.Fatal(err)
		}
	}
	r.quiet("after reconciles with nothing to do", 0)
}

// quiet fails if the operator asks or writes more than so much in a while that is
// longer than all its intervals.
func (r *rig) quiet(when string, most int) {
	r.t.Helper()
	const pause = 6 * time.Second
	time.Sleep(pause) // what is on its way arrives
	r.requests.take()
	time.Sleep(pause)
	if seen := r.requests.take(); len(seen) > most {
		r.t.Errorf("%s there are requests: %v", when, seen)
	}
}

// Whatever somebody changes or deletes by hand is put right, and no pod minds.
func TestDriftIsPutRight(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+idle)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	all := ofValidators("alpha", "alice", "bob", "carol", "dave")
	at := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: r.namespace, Name: name} }
	for _, o := range []client.Object{
		&corev1.Service{ObjectMeta: at("alpha-api")}, &corev1.ConfigMap{ObjectMeta: at("alpha-bob-config")}, &corev1.ServiceAccount{ObjectMeta: at("alpha-node")},
		&policyv1.PodDisruptionBudget{ObjectMeta: at("alpha")}, &networkingv1.NetworkPolicy{ObjectMeta: at("alpha")}, &corev1.ConfigMap{ObjectMeta: at("alpha-genesis")},
	} {
		if err := r.client.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitMade("alpha", all)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: at("alpha")}
	r.exists(budget)
	was := budget.DeepCopy()
	budget.Spec.MaxUnavailable.IntVal = 3
	if err := r.client.Patch(t.Context(), budget, client.MergeFrom(was)); err != nil {
		t.Fatal(err)
	}
	await.True(t, "the budget is put right", func() error {
		if r.exists(budget); budget.Spec.MaxUnavailable.IntVal != 1 {
			return fmt.Errorf("it lets %d go", budget.Spec.MaxUnavailable.IntVal)
		}
		return nil
	})
	r.samePods("alpha", before)
}

// samePods fails if any of the pods of before is not there any more.
func (r *rig) samePods(network string, before map[string]*corev1.Pod, except ...string) {
	r.t.Helper()
	now := r.pods(network)
	for name, pod := range before {
		if slices.Contains(except, name) {
			continue
		}
		if now[name] == nil || now[name].UID != pod.UID {
			r.t.Errorf("the pod of %s was touched", name)
		}
	}
}

// A pod that goes comes back with its key, and the operator that goes leaves all
// as it is.
func TestPodsAndOperatorComeAndGo(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	if err := r.client.Delete(t.Context(), before["carol"]); err != nil {
		t.Fatal(err)
	}
	await.True(t, "carol has another pod", func() error {
		if now := r.pods("alpha")["carol"]; now == nil || now.UID == before["carol"].UID {
			return fmt.Errorf("it has %v", now)
		}
		return nil
	})
	r.awaitSettled("alpha")
	r.samePods("alpha", before, "carol")

	before = r.pods("alpha")
	r.stop()
	height := r.get("alpha").Status.Height
	r.startOperator()
	r.await("alpha", "its height goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height })
	r.samePods("alpha", before)
	for _, one := range r.requests.take() {
		if method, _, _ := strings.Cut(one, " "); method != "GET" && !strings.HasSuffix(one, "/status") && !strings.HasSuffix(one, "/events") {
			t.Errorf("the operator came back and wrote: %s", one)
		}
	}
	for _, e := range r.events("alpha") {
		if !strings.HasPrefix(e, "Normal Created") && !strings.Contains(e, "carol is offline") {
			t.Errorf("there is an Event: %s", e)
		}
	}
}

// Of several operators one acts, and another takes over when it goes.
func TestOneOperatorLeads(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.stop()
	first, stop := r.contend()
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	second, _ := r.contend()
	height := r.get("alpha").Status.Height
	r.await("alpha", "the first goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height+10 })
	for _, one := range second.take() {
		if method, _, _ := strings.Cut(one, " "); method != "GET" {
			t.Errorf("the second wrote: %s", one)
		}
	}
	before := r.pods("alpha")
	stop()
	first.take()
	height = r.get("alpha").Status.Height
	r.await("alpha", "the second goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height })
	r.samePods("alpha", before)
	for _, one := range first.take() {
		if !strings.HasSuffix(one, "/events") { // it tells that it leads no longer
			t.Errorf("the first, having stopped, asked %s", one)
		}
	}
}

// The operator tells of itself and its networks, to whoever looks after it.
func TestProbesAndMetrics(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.stop()
	block, err := ports.Take(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(block.Release)
	r.run(controllers.Options{ProbeAddress: block.Address(0), MetricsAddress: block.Address(1)})
	page := func(address, path string) string {
		text := ""
		await.True(t, path+" is answered", func() error {
			response, err := http.Get("http://" + address + path)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			all, err := io.ReadAll(response.Body)
			if text = string(all); response.StatusCode != http.StatusOK {
				err = fmt.Errorf("%s: %s", response.Status, text)
			}
			return err
		})
		return text
	}
	page(block.Address(0), "/healthz")
	page(block.Address(0), "/readyz")
	r.apply("gauged", four+idle)
	n := r.awaitSettled("gauged")
	labels := fmt.Sprintf("{namespace=%q,network=%q} ", r.namespace, n.Name)
	for _, want := range []string{
		"posnet_network_height" + labels + "0\n", "posnet_network_stake_total" + labels + "100\n", "posnet_network_stake_online" + labels + "100\n",
		"posnet_network_quorum" + labels + "1\n", "posnet_network_validators" + labels + "4\n", "posnet_network_validators_online" + labels + "4\n",
		"posnet_operator_status_writes_total" + labels, `posnet_operator_object_writes_total{kind="StatefulSet",verb="apply"} `, `controller_runtime_reconcile_total{controller="posnetwork"`,
	} {
		if text := page(block.Address(1), "/metrics"); !strings.Contains(text, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	r.delete(n)
	await.True(t, "a network that is gone is measured no longer", func() error {
		if strings.Contains(page(block.Address(1), "/metrics"), labels) {
			return errors.New("it is")
		}
		return nil
	})
}
