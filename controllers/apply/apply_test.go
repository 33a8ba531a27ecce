package apply_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/apply"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
	testkube "github.com/posnet/posnet/test/kube"
)

func TestMain(m *testing.M) { os.Exit(testkube.Main(m)) }

// rig is a network that exists, and an applier whose writes are noted.
type rig struct {
	*apply.Applier
	t       *testing.T
	client  client.Client
	network *v1alpha1.PosNetwork
	writes  []string
}

func start(t *testing.T, text string) *rig {
	t.Helper()
	c := testkube.Shared()
	n, err := manifest.Read("test", strings.NewReader("apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: alpha}\nspec:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	n.Namespace = c.Namespace(t)
	r := &rig{t: t, client: c.Client, network: n}
	r.Applier = apply.New(c.Client, c.Client, func(verb, kind string) { r.writes = append(r.writes, verb+" "+kind) })
	if err := r.client.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return r
}

const quickstart = "  validators: [{name: alice, stake: 30}, {name: bob, stake: 27}, {name: carol, stake: 23}, {name: dave, stake: 20}]\n"

func key(name string) types.PrivateKey { return types.NewPrivateKey(types.SumHash([]byte(name))) }

// objects are what the network wants.
func (r *rig) objects() []client.Object {
	r.t.Helper()
	in := plan.Input{
		Name: r.network.Name, Spec: &r.network.Spec, Keys: map[string]plan.Keys{},
		Authority: key("authority").Public(), Time: 1_700_000_000e9, Nonce: types.SumHash(nil),
	}
	public, private := map[string]types.PublicKey{}, map[string]config.Keys{}
	for _, name := range plan.Names(&r.network.Spec) {
		private[name] = config.Keys{Sign: key(name), VRF: key(name + "/vrf")}
		public[name] = key(name).Public()
		in.Keys[name] = plan.Keys{Sign: key(name).Public(), VRF: key(name + "/vrf").Public()}
	}
	in.Sites = kube.Sites(r.network, public)
	topology, err := plan.New(in)
	if err != nil {
		r.t.Fatal(err)
	}
	o, err := kube.New(kube.Input{
		Network: r.network, Topology: topology, Genesis: topology.Genesis, Keys: private, Authority: key("authority"),
		Image: "posnet.example/node:v1", Budget: rollout.NewBudget([]rollout.Share{{Name: "alice", Low: 1, High: 1}, {Name: "bob", Low: 1, High: 1}}),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []client.Object
	for _, one := range o.All() {
		if s, ok := one.(*appsv1.StatefulSet); ok {
			if err := apply.MarkTemplate(s); err != nil {
				r.t.Fatal(err)
			}
		}
		out = append(out, one.(client.Object))
	}
	return out
}

// live is an object as the API server has it; nil where there is none.
func (r *rig) live(like client.Object) client.Object {
	r.t.Helper()
	o := like.DeepCopyObject().(client.Object)
	if err := r.client.Get(r.t.Context(), client.ObjectKeyFromObject(like), o); err != nil {
		if client.IgnoreNotFound(err) != nil {
			r.t.Fatal(err)
		}
		return nil
	}
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{}) // as a cache has it
	return o
}

// all applies or keeps everything as it is wanted, and returns what was written.
func (r *rig) all() []string {
	r.t.Helper()
	r.writes = nil
	for _, o := range r.objects() {
		if err := r.one(o); err != nil {
			r.t.Fatal(err)
		}
	}
	return r.writes
}

// get is one of the objects, by kind and name, as the API server has it.
func (r *rig) get(kind, name string) client.Object {
	r.t.Helper()
	return r.live(r.wanted(kind, name))
}

func (r *rig) wanted(kind, name string) client.Object {
	r.t.Helper()
	for _, o := range r.objects() {
		if o.GetObjectKind().GroupVersionKind().Kind == kind && o.GetName() == name {
			return o
		}
	}
	r.t.Fatalf("no %s %s is wanted", kind, name)
	return nil
}

// edit changes an object by hand.
func (r *rig) edit(o client.Object, change func()) {
	r.t.Helper()
	was := o.DeepCopyObject().(client.Object)
	change()
	if err := r.client.Patch(r.t.Context(), o, client.MergeFrom(was), client.FieldOwner("kubectl-edit")); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) one(o client.Object) error {
	ctx := context.Background()
	if isKept(o) {
		_, err := r.Keep(ctx, r.network, o, r.live(o))
		return err
	}
	return r.Apply(ctx, r.network, o, r.live(o))
}

func isKept(o client.Object) bool {
	return o.GetObjectKind().GroupVersionKind().Kind == "Secret" || strings.HasSuffix(o.GetName(), "-genesis")
}

// What is there as it should be is not written again, whatever the API server
// has filled in; and every change of what should be is.
func TestNothingIsWrittenTwice(t *testing.T) {
	r := start(t, quickstart+"  template: {nodeSelector: {disk: fast}, resources: {requests: {cpu: \"0.5\", memory: 1024Mi}}}\n")
	if first := r.all(); len(first) != len(r.objects()) {
		t.Fatalf("%d writes for %d objects: %v", len(first), len(r.objects()), first)
	}
	for range 2 {
		if again := r.all(); len(again) > 0 {
			t.Fatalf("written again: %v", again)
		}
	}
	r.network.Spec.Template.NodeSelector = nil // shows in no field that is wanted
	if changed := r.all(); len(changed) != 4 || slices.ContainsFunc(changed, func(w string) bool { return w != "apply StatefulSet" }) {
		t.Errorf("a field taken out: %v", changed)
	}
	if s := r.get("StatefulSet", "alpha-alice").(*appsv1.StatefulSet); len(s.Spec.Template.Spec.NodeSelector) > 0 {
		t.Errorf("the field is still there: %v", s.Spec.Template.Spec.NodeSelector)
	}
	if again := r.all(); len(again) > 0 {
		t.Errorf("written again: %v", again)
	}
}

// What somebody changes or deletes by hand is put right; what somebody adds
// beside is theirs.
func TestDriftIsPutRight(t *testing.T) {
	r := start(t, quickstart)
	r.all()
	drift := map[string]func(){
		"apply Service": func() {
			s := r.get("Service", "alpha-api").(*corev1.Service)
			r.edit(s, func() { s.Spec.Ports[0].TargetPort.StrVal = "nonsense" })
		},
		"apply StatefulSet": func() {
			s := r.get("StatefulSet", "alpha-bob").(*appsv1.StatefulSet)
			r.edit(s, func() { s.Spec.Template.Spec.Containers[0].Image = "mallory/node" })
		},
		"apply ConfigMap": func() {
			c := r.get("ConfigMap", "alpha-bob-config").(*corev1.ConfigMap)
			r.edit(c, func() { c.Data["config.json"] = "{}" })
		},
		"apply PodDisruptionBudget": func() {
			b := r.get("PodDisruptionBudget", "alpha-alice").(*policyv1.PodDisruptionBudget)
			r.edit(b, func() { b.Labels = nil })
		},
		"apply ServiceAccount": func() {
			if err := r.client.Delete(t.Context(), r.get("ServiceAccount", "alpha-node")); err != nil {
				t.Fatal(err)
			}
		},
		"patch Secret": func() {
			s := r.get("Secret", "alpha-alice-keys")
			r.edit(s, func() {
				s.SetLabels(map[string]string{kube.LabelManagedBy: kube.ManagedBy, kube.LabelNetwork: "alpha"})
			})
		},
	}
	for want, spoil := range drift {
		spoil()
		if mended := r.all(); !slices.Equal(mended, []string{want}) {
			t.Errorf("of %q: %v", want, mended)
		}
		if again := r.all(); len(again) > 0 {
			t.Errorf("after %q, written again: %v", want, again)
		}
	}
	s := r.get("Service", "alpha-api").(*corev1.Service)
	r.edit(s, func() { s.Annotations["example.com/mine"] = "yes" })
	if touched := r.all(); len(touched) > 0 || r.get("Service", "alpha-api").GetAnnotations()["example.com/mine"] != "yes" {
		t.Errorf("what somebody added is written over: %v", touched)
	}
}

// An object of somebody else is not touched, and its name told.
func TestTakenNames(t *testing.T) {
	r := start(t, quickstart)
	meta := func(name string, labels map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: r.network.Namespace, Name: name, Labels: labels}
	}
	other := map[string]string{kube.LabelManagedBy: kube.ManagedBy, kube.LabelNetwork: "al"}
	owned := meta("alpha-alice-config", nil)
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "1", Controller: ptr(true)}}
	theirs := map[string]client.Object{
		"ConfigMap alpha-genesis exists and is not of this network: it is left as it is": &corev1.ConfigMap{ObjectMeta: meta("alpha-genesis", nil), Data: map[string]string{"a": "b"}},
		"Secret alpha-bob-keys exists and is of network al":                              &corev1.Secret{ObjectMeta: meta("alpha-bob-keys", other)},
		"Service alpha-api exists and is not of this network": &corev1.Service{
			ObjectMeta: meta("alpha-api", nil), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		},
		"ConfigMap alpha-alice-config exists and is owned by Deployment web": &corev1.ConfigMap{ObjectMeta: owned},
	}
	versions := map[string]string{}
	for want, o := range theirs {
		if err := r.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		versions[want] = o.GetResourceVersion()
	}
	found := 0
	for _, o := range r.objects() {
		err := r.one(o)
		var taken *apply.TakenError
		if err == nil {
			continue
		}
		if !errors.As(err, &taken) {
			t.Errorf("%s: %v", o.GetName(), err)
			continue
		}
		for want, their := range theirs {
			if strings.HasPrefix(err.Error(), want) && strings.HasSuffix(err.Error(), "delete or rename it, or give the network another name or namespace") {
				found++
				if now := r.live(o); now.GetResourceVersion() != versions[want] || now.GetUID() != their.GetUID() {
					t.Errorf("%s was touched", o.GetName())
				}
			}
		}
	}
	if found != len(theirs) {
		t.Errorf("%d of %d objects of somebody else were told", found, len(theirs))
	}
}

// What an earlier network of the name has left is taken over; what is still
// being deleted of it is waited for.
func TestLeftovers(t *testing.T) {
	r := start(t, quickstart)
	r.all()
	before := r.network.DeepCopy()
	r.network.UID = "00000000-0000-4000-8000-000000000002"
	kept := r.wanted("Secret", "alpha-alice-keys")
	kept.(*corev1.Secret).Data = map[string][]byte{"keys.json": []byte("fresh")}
	got, err := r.Keep(t.Context(), r.network, kept, nil)
	if err != nil || string(got.(*corev1.Secret).Data["keys.json"]) == "fresh" {
		t.Errorf("kept keys are not taken over: %v, %v", got, err)
	}
	err = r.one(r.wanted("StatefulSet", "alpha-alice"))
	var leaving *apply.LeavingError
	if !errors.As(err, &leaving) || leaving.Name != "alpha-alice" {
		t.Errorf("the old network's StatefulSet: %v", err)
	}
	// With Delete, keys go with the network: they have its owner reference then.
	r.network = before
	for _, policy := range []v1alpha1.DeletionPolicy{v1alpha1.DeleteVolumes, v1alpha1.RetainVolumes} {
		r.network.Spec.Storage.WhenDeleted = policy
		r.all()
		owner := metav1.GetControllerOf(r.get("Secret", "alpha-alice-keys"))
		if owned := owner != nil && owner.UID == r.network.UID; owned != (policy == v1alpha1.DeleteVolumes) {
			t.Errorf("with %s, the keys' owner is %v", policy, owner)
		}
		if again := r.all(); len(again) > 0 {
			t.Errorf("with %s, written again: %v", policy, again)
		}
	}
}

// A StatefulSet whose turn has not come is put right in all but its template.
func TestHeldTemplates(t *testing.T) {
	r := start(t, quickstart)
	r.all()
	r.network.Spec.Image = "posnet.example/node:v2"
	r.network.Spec.Hibernate = true
	held := func() []string {
		r.writes = nil
		want := r.wanted("StatefulSet", "alpha-carol").(*appsv1.StatefulSet)
		if has, err := r.HasTemplate(r.network, want, r.live(want).(*appsv1.StatefulSet)); has || err != nil {
			t.Errorf("it has its template: %v, %v", has, err)
		}
		if err := r.ApplyHeld(t.Context(), r.network, want, r.live(want).(*appsv1.StatefulSet)); err != nil {
			t.Fatal(err)
		}
		return r.writes
	}
	if first, again := held(), held(); len(first) != 1 || len(again) != 0 {
		t.Errorf("held: %v, then %v", first, again)
	}
	s := r.get("StatefulSet", "alpha-carol").(*appsv1.StatefulSet)
	if *s.Spec.Replicas != 0 || s.Spec.Template.Spec.Containers[0].Image != "posnet.example/node:v1" {
		t.Errorf("held with %d replicas of %s", *s.Spec.Replicas, s.Spec.Template.Spec.Containers[0].Image)
	}
	if its := r.all(); len(its) != 4 {
		t.Errorf("in their turn: %v", its)
	}
	s = r.get("StatefulSet", "alpha-carol").(*appsv1.StatefulSet)
	if has, err := r.HasTemplate(r.network, r.wanted("StatefulSet", "alpha-carol").(*appsv1.StatefulSet), s); !has || err != nil {
		t.Errorf("it has not its template: %v", err)
	}
	if s.Spec.Template.Spec.Containers[0].Image != "posnet.example/node:v2" {
		t.Errorf("in its turn: %s", s.Spec.Template.Spec.Containers[0].Image)
	}
}

// What is removed is what was seen, and nothing that came in its place.
func TestRemove(t *testing.T) {
	r := start(t, quickstart)
	r.all()
	seen := r.get("ConfigMap", "alpha-bob-config")
	if err := r.client.Delete(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	r.all()
	if err := r.Remove(t.Context(), r.network, seen); err != nil {
		t.Error(err)
	}
	now := r.get("ConfigMap", "alpha-bob-config")
	if now == nil {
		t.Fatal("the one that took its place was removed")
	}
	if err := r.Remove(t.Context(), r.network, now); err != nil || r.get("ConfigMap", "alpha-bob-config") != nil {
		t.Errorf("it is still there, %v", err)
	}
	if err := r.Remove(t.Context(), r.network, now); err != nil {
		t.Errorf("of what is gone: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }
