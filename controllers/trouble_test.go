package controllers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/test/await"
)

func (r *rig) at(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: r.namespace, Name: name}
}

func (r *rig) create(o client.Object) {
	r.t.Helper()
	if err := r.client.Create(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) delete(o client.Object) {
	r.t.Helper()
	if err := r.client.Delete(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
}

// Without the webhook a rule that does not compile is told in the status, and
// what runs runs on.
func TestABadRule(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("beta", four+"  builder: {when: \"pool.size >=\"}\n")
	r.await("beta", "its rule is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionReady, "False BadRule: column 13") && n.Status.Phase == v1alpha1.PhasePending && len(n.Status.Validators) == 4
	})
	r.awaitEvent("beta", "Warning BadRule: spec.builder.when: Invalid value: builder rule \"pool.size >=\": column 13")
	if made := r.made("beta"); len(made) > 0 {
		t.Errorf("there is %v", made)
	}
	r.edit("beta", func(s *v1alpha1.PosNetworkSpec) { s.Builder.When = "idle >= duration('300ms')" })
	r.awaitSettled("beta")

	before, height := r.pods("beta"), r.get("beta").Status.Height
	r.edit("beta", func(s *v1alpha1.PosNetworkSpec) {
		s.Validators[1].Builder, s.Image = &v1alpha1.BuilderOverride{When: "height"}, second
	})
	r.await("beta", "its rule is told, and the chain goes on", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionReady, "False BadRule: spec.validators[1].builder.when") && is(n, v1alpha1.ConditionProgressing, "False BadRule: All stays as it is") &&
			n.Status.Height > height+5 && n.Status.OnlineStake == 100
	})
	r.samePods("beta", before)
}

// What keeps pods from running is told with the pod's name and what to do.
func TestPodsThatDoNotRun(t *testing.T) {
	t.Parallel()
	r := start(t)
	for name, tt := range map[string]struct {
		faults faults
		want   string
	}{
		"image":  {faults{MissingImage: image}, "ImageUnavailable: pod image-a-0: image " + image + " cannot be pulled (ImagePullBackOff): Back-off pulling image"},
		"room":   {faults{NoRoom: true}, "Unschedulable: pod room-a-0 cannot be placed on a machine: 0/1 nodes are available: 1 Insufficient cpu"},
		"quota":  {faults{Quota: true}, "QuotaExceeded: the pod of StatefulSet quota-a cannot be created: create Pod quota-a-0 in StatefulSet quota-a failed error: pods \"quota-a-0\" is forbidden: exceeded quota: small"},
		"volume": {faults{NoVolumes: true}, "Unschedulable: pod volume-a-0 cannot be placed on a machine: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims"},
	} {
		r.machine.Break(tt.faults)
		r.apply(name, "  validators: [{name: a, stake: 1}]\n"+busy)
		reason, message, _ := strings.Cut(tt.want, ": ")
		r.await(name, "it is told", func(n *v1alpha1.PosNetwork) bool {
			return is(n, v1alpha1.ConditionDegraded, "True "+reason+": "+message) && is(n, v1alpha1.ConditionReady, "False QuorumLost")
		})
		r.awaitEvent(name, "Warning "+reason+": a is offline; "+message)
		r.machine.Break(faults{})
		r.awaitSettled(name)
	}
}

// A namespace that may hold no more: what is refused is named, and made once
// there is room.
func TestAQuotaThatIsFull(t *testing.T) {
	t.Parallel()
	r := start(t)
	quota := &corev1.ResourceQuota{ObjectMeta: r.at("small"), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/statefulsets.apps": resource.MustParse("0")},
	}}
	r.create(quota)
	// Its controller, which is not there, would write what is in use.
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{"count/statefulsets.apps": resource.MustParse("0")}}
	if err := r.client.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	r.apply("alpha", four+busy)
	r.await("alpha", "it is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False QuotaExceeded: apply StatefulSet alpha-alice: statefulsets.apps \"alpha-alice\" is forbidden: exceeded quota: small")
	})
	r.delete(quota)
	r.awaitSettled("alpha")
}

// Objects of somebody else are left as they are, and told; with them gone, the
// network is made.
func TestNamesThatAreTaken(t *testing.T) {
	t.Parallel()
	r := start(t)
	theirs := &corev1.ConfigMap{ObjectMeta: r.at("alpha-genesis"), Data: map[string]string{"genesis.json": "{}"}}
	service := &corev1.Service{ObjectMeta: r.at("alpha-api"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	r.create(theirs)
	r.create(service)
	r.apply("alpha", four+busy)
	r.await("alpha", "the genesis of somebody else is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False NameTaken: ConfigMap alpha-genesis exists and is not of this network: it is left as it is; delete or rename it")
	})
	r.awaitEvent("alpha", "Warning NameTaken: ConfigMap alpha-genesis exists")
	if len(r.pods("alpha")) > 0 {
		t.Error("there are pods without a genesis")
	}
	version := theirs.ResourceVersion
	if !r.exists(theirs) || theirs.ResourceVersion != version {
		t.Error("it was touched")
	}
	r.delete(theirs)
	r.await("alpha", "it runs, and the Service of somebody else is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionReady, "True QuorumAgrees") && is(n, v1alpha1.ConditionProgressing, "False NameTaken: Service alpha-api exists")
	})
	r.delete(service)
	r.awaitSettled("alpha")
}

// Keys, authority and genesis that are lost are told, and never made anew while
// the chain counts on them; nothing that runs is harmed, and put back they are
// taken for what they are.
func TestLostSecrets(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	secret := func(name string) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: r.at(name)}
		r.exists(s)
		s.ResourceVersion, s.UID = "", ""
		return s
	}
	backup := secret("alpha-bob-keys")
	r.delete(&corev1.Secret{ObjectMeta: r.at("alpha-bob-keys")})
	lost := "True KeysLost: the Secret alpha-bob-keys is gone, and validator bob signs with its key " + backup.Annotations[kube.AnnotationKey] + ": put it back from a backup"
	r.await("alpha", "it is told", func(n *v1alpha1.PosNetwork) bool { return is(n, v1alpha1.ConditionDegraded, lost) })
	r.awaitEvent("alpha", "Warning KeysLost: the Secret alpha-bob-keys is gone")

	// Another's in its place.
	other := secret("alpha-carol-keys")
	other.Name, other.Labels[kube.LabelValidator] = "alpha-bob-keys", "bob"
	r.create(other)
	r.await("alpha", "that is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionDegraded, "True KeysReplaced: the Secret alpha-bob-keys holds the key "+other.Annotations[kube.AnnotationKey])
	})
	r.delete(other)
	r.create(backup)
	r.awaitSettled("alpha")

	backup = secret("alpha-authority")
	r.delete(&corev1.Secret{ObjectMeta: r.at("alpha-authority")})
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Validators[0].Stake = 31 })
	r.await("alpha", "the authority is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionDegraded, "True AuthorityLost: the Secret alpha-authority is gone, without which no stake can change")
	})
	r.create(backup)
	r.await("alpha", "the stake changes", func(n *v1alpha1.PosNetwork) bool { return stakes(n) == "alice:31 bob:27 carol:23 dave:20" })
	r.samePods("alpha", before)

	// The genesis is put back, also by an operator that never saw it.
	r.stop()
	genesis := &corev1.ConfigMap{ObjectMeta: r.at("alpha-genesis")}
	r.exists(genesis)
	text := genesis.Data["genesis.json"]
	r.delete(genesis)
	r.startOperator()
	await.True(t, "the genesis is back", func() error {
		if !r.exists(genesis) || genesis.Data["genesis.json"] != text {
			return fmt.Errorf("it is %q", genesis.Data)
		}
		return nil
	})
	r.awaitSettled("alpha")
	r.samePods("alpha", before)
}

// Of a network without genesis and authority, nothing is made anew.
func TestALostGenesis(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	before := r.pods("alpha")
	r.stop()
	r.delete(&corev1.ConfigMap{ObjectMeta: r.at("alpha-genesis")})
	r.delete(&corev1.Secret{ObjectMeta: r.at("alpha-authority")})
	r.startOperator()
	r.await("alpha", "it is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionDegraded, "True GenesisLost: the Secret alpha-authority and the ConfigMap alpha-genesis are gone, without which no pod of the network starts again")
	})
	r.samePods("alpha", before)
	if r.exists(&corev1.ConfigMap{ObjectMeta: r.at("alpha-genesis")}) || r.exists(&corev1.Secret{ObjectMeta: r.at("alpha-authority")}) {
		t.Error("they were made anew")
	}
}

// Quorum lost and regained is told as it is.
func TestQuorumIsLostAndRegained(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.apply("alpha", four+busy)
	r.awaitSettled("alpha")
	r.machine.Break(faults{Quota: true})
	pods := r.pods("alpha")
	r.delete(pods["alice"])
	r.delete(pods["bob"])
	n := r.await("alpha", "the quorum is lost", func(n *v1alpha1.PosNetwork) bool {
		return n.Status.Phase == v1alpha1.PhaseHalted && is(n, v1alpha1.ConditionQuorumLost, "True TooLittleStake: validators with 43 of a total stake of 100 are online")
	})
	r.awaitEvent("alpha", "Warning QuorumLost: validators with 43 of a total stake of 100 are online")
	if n.Status.FaultMargin != 0 || n.Status.OnlineStake != 43 || n.Status.ValidatorsOnline != "2/4" {
		t.Errorf("its status is %s", show(n))
	}
	r.machine.Break(faults{})
	r.await("alpha", "the chain goes on", func(now *v1alpha1.PosNetwork) bool { return now.Status.Height > n.Status.Height })
	r.awaitEvent("alpha", "Normal QuorumRegained: ")
	r.awaitSettled("alpha")
}

// An API server that answers errors is asked again, later each time, and what it
// would not do is told and done once it does.
func TestAnAPIServerThatFails(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.requests.fail(func(q *http.Request) int {
		if q.Method == http.MethodPatch && strings.Contains(q.URL.Path, "/statefulsets/") {
			return http.StatusInternalServerError
		}
		return 0
	})
	r.apply("alpha", four+busy)
	r.await("alpha", "it is told", func(n *v1alpha1.PosNetwork) bool {
		return is(n, v1alpha1.ConditionProgressing, "False APIServerErrors: apply StatefulSet alpha-alice: the test says so")
	})
	asked := len(r.requests.take())
	r.requests.fail(nil)
	r.awaitSettled("alpha")
	if asked > 500 {
		t.Errorf("it was asked %d times", asked)
	}

	// Its own status fails, too: nothing else suffers.
	before, height := r.pods("alpha"), r.get("alpha").Status.Height
	r.requests.fail(func(q *http.Request) int {
		if strings.HasSuffix(q.URL.Path, "/status") {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	r.edit("alpha", func(s *v1alpha1.PosNetworkSpec) { s.Validators[3].Stake = 19 })
	await.True(t, "the status is tried", func() error {
		for _, one := range r.requests.take() {
			if strings.HasSuffix(one, "/status") {
				return nil
			}
		}
		return fmt.Errorf("it is not")
	})
	r.requests.fail(nil)
	r.await("alpha", "it is told as it is", func(n *v1alpha1.PosNetwork) bool {
		return n.Status.Height > height && stakes(n) == "alice:30 bob:27 carol:23 dave:19"
	})
	r.samePods("alpha", before)
}
