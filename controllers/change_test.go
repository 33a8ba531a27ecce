package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/test/await"
)

// stakes returns the effective stakes of a network's validators, by name.
func stakes(n *v1alpha1.PosNetwork) string {
	var out []string
	for _, v := range n.Status.Validators {
		out = append(out, fmt.Sprintf("%s:%d", v.Name, v.EffectiveStake))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// Stakes that are edited, and validators that come and go, while the chain runs
// and no other pod is touched.
func TestValidatorsChange(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")

	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) {
		s.Validators[1].Stake = 25
		s.Validators[2].Stake = 24 // in one block with bob's: each has its own Event nevertheless
		s.Validators = append(s.Validators, v1alpha1.Validator{Name: "erin", Stake: 22})
	})
	r.await("alpha", "the chain counts what the spec says", func(n *v1alpha1.PosNetwork) bool {
		return stakes(n) == "alice:30 bob:25 carol:24 dave:20 erin:22"
	})
	r.awaitSettled("alpha")
	r.awaitEvent("alpha", "Normal StakeChanged: the stake of bob went from 27 to 25")
	r.awaitEvent("alpha", "Normal StakeChanged: the stake of carol went from 23 to 24")
	r.awaitEvent("alpha", "Normal StakeChanged: validator erin has joined with a stake of 22")
	r.awaitMade("alpha", ofValidators("alpha", "alice", "bob", "carol", "dave", "erin"))

	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Validators = s.Validators[1:] })
	gone := append(ofValidators("alpha", "bob", "carol", "dave", "erin"), "Secret alpha-alice-keys", "PersistentVolumeClaim data-alpha-alice-0")
	r.awaitMade("alpha", gone)
	n := r.awaitSettled("alpha")
	if got := stakes(n); got != "bob:25 carol:24 dave:20 erin:22" {
		t.Errorf("the chain counts %s", got)
	}
	r.awaitEvent("alpha", "Normal StakeChanged: validator alice has left with its stake of 30")
	r.samePods("alpha", before, "alice")
	await.True(t, "its pod is gone", func() error {
		if pods := r.pods("alpha"); len(pods) != 4 {
			return fmt.Errorf("there are %d pods", len(pods))
		}
		return nil
	})

	// It comes back with the keys that were kept.
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) {
		s.Validators = append(s.Validators, v1alpha1.Validator{Name: "alice", Stake: 10})
	})
	r.await("alpha", "alice is back", func(n *v1alpha1.PosNetwork) bool {
		return stakes(n) == "alice:10 bob:25 carol:24 dave:20 erin:22"
	})
	r.samePods("alpha", before, "alice")
}

// A validator's keys are replaced by taking it out, deleting them, and putting it
// in again.
func TestAValidatorIsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "alpha-dave-keys"}}
	r.exists(secret)
	first := secret.Annotations[kube.AnnotationKey]

	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Validators = s.Validators[:3] })
	await.True(t, "dave has left", func() error {
		if r.set("alpha", "dave") != nil {
			return fmt.Errorf("it is there: %s", show(r.get("alpha")))
		}
		return nil
	})
	if err := r.client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) {
		s.Validators = append(s.Validators, v1alpha1.Validator{Name: "dave", Stake: 20})
	})
	r.awaitEvent("alpha", "Normal ValidatorReplaced: validator dave has new keys, and signs with ")
	n := r.await("alpha", "dave is back", func(n *v1alpha1.PosNetwork) bool { return stakes(n) == "alice:30 bob:27 carol:23 dave:20" })
	secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "alpha-dave-keys"}}
	if !r.exists(secret) || secret.Annotations[kube.AnnotationKey] == first {
		t.Errorf("dave has its old keys: %s", show(n))
	}
	r.awaitSettled("alpha")
}

// A change that would leave no quorum online is held back until it would not.
func TestAStakeIsHeldBack(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	r.machine.Break(faults{NotReady: map[string]bool{"alpha-dave-0": true}, Quota: true})
	if err := r.client.Delete(t.Context(), r.pods("alpha")["dave"]); err != nil {
		t.Fatal(err)
	}
	r.await("alpha", "dave is offline", func(n *v1alpha1.PosNetwork) bool { return n.Status.OnlineStake == 80 })
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Validators[3].Stake = 60 })
	r.await("alpha", "the edit is held back", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False StakesHeld: the stake of dave goes from 20 to 60: held back")
	})
	r.awaitEvent("alpha", "Warning StakesHeld: the stake of dave goes from 20 to 60: held back")
	r.machine.Break(faults{})
	r.await("alpha", "dave is back, and has its stake", func(n *v1alpha1.PosNetwork) bool {
		return stakes(n) == "alice:30 bob:27 carol:23 dave:60"
	})
}

func TestANetworkHibernates(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Hibernate = true })
	n := r.await("alpha", "it hibernates", func(n *v1alpha1.PosNetwork) bool {
		return n.Status.Phase == v1alpha1.PhaseHibernated && is(n, v1alpha1.ConditionProgressing, "False AsSpecified")
	})
	if pods := r.pods("alpha"); len(pods) != 0 {
		t.Errorf("%d pods run", len(pods))
	}
	r.awaitMade("alpha", ofValidators("alpha", "alice", "bob", "carol", "dave"))
	r.awaitEvent("alpha", "Normal Hibernated: ")
	height := n.Status.Height
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Hibernate = false })
	r.await("alpha", "the chain goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height })
	r.awaitEvent("alpha", "Normal Woken: ")
	r.awaitSettled("alpha")
}

func TestAPausedNetworkIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) {
		s.Paused, s.Image, s.Validators[0].Stake = true, "posnet.example/node:v2", 31
	})
	r.await("alpha", "it is paused", func(n *v1alpha1.PosNetwork) bool { return n.Status.Phase == v1alpha1.PhasePaused })
	r.requests.take()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "alpha-api"}}
	if err := r.client.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	height := r.get("alpha").Status.Height
	n := r.await("alpha", "its status goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height+5 })
	for _, one := range r.requests.take() {
		if method, _, _ := strings.Cut(one, " "); method != "GET" && !strings.HasSuffix(one, "/status") && !strings.HasSuffix(one, "/events") {
			t.Errorf("while it is paused: %s", one)
		}
	}
	if r.exists(service) || stakes(n) != "alice:30 bob:27 carol:23 dave:20" {
		t.Errorf("it was touched: %s", show(n))
	}
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Paused = false })
	r.await("alpha", "all is caught up on", func(n *v1alpha1.PosNetwork) bool {
		return stakes(n) == "alice:31 bob:27 carol:23 dave:20" && r.exists(service)
	})
}

// Deleted with Retain, a network leaves keys, genesis and volumes, from which one
// of its name goes on; with Delete, nothing.
func TestANetworkIsDeletedAndComesBack(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	n := r.await("alpha", "there are blocks", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > 3 })
	kept := []string{"ConfigMap alpha-genesis", "Secret alpha-authority"}
	for _, v := range []string{"alice", "bob", "carol", "dave"} {
		kept = append(kept, "Secret alpha-"+v+"-keys", "PersistentVolumeClaim data-alpha-"+v+"-0")
	}
	if err := r.client.Delete(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r.awaitMade("alpha", kept)
	height := n.Status.Height

	// Of another reward than its genesis has, and without one of its validators.
	r.apply("alpha", "  validators: [{name: alice, stake: 30}, {name: bob, stake: 27}, {name: carol, stake: 23}]\n  ledger: {blockReward: 7}\n  storage: {whenDeleted: Delete}\n"+busy)
	r.await("alpha", "the chain goes on", func(n *v1alpha1.PosNetwork) bool { return n.Status.Height > height })
	n = r.await("alpha", "dave leaves, and the reward is told", func(n *v1alpha1.PosNetwork) bool {
		return stakes(n) == "alice:30 bob:27 carol:23" && is(n, v1alpha1.ConditionProgressing, "False GenesisDiffers: spec.ledger.blockReward was 1 and is now 7")
	})
	if err := r.client.Delete(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r.awaitMade("alpha", nil)
}
