package kube_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"pgregory.net/rapid"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/local/manifest"
)

// manifests draws networks that the schema allows. Names are of few letters, as
// long as allowed, so that they come as near to each other as they can.
func manifests(rt *rapid.T) *v1alpha1.PosNetwork {
	label := func(first string) *rapid.Generator[string] {
		return rapid.StringMatching(first + `([-a0]{0,22}[a0])?`)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: %s}\nspec:\n", label("a").Draw(rt, "network"))
	text.WriteString("  validators:\n")
	taken := map[string]bool{}
	for _, name := range rapid.SliceOfN(rapid.OneOf(label("[a0]"), rapid.SampledFrom([]string{"a", "a-0", "a-0-0", "keys", "authority", "node"})), 1, 6).Draw(rt, "validators") {
		replicas := rapid.IntRange(0, 12).Draw(rt, "replicas") // 0: left out
		names := []string{name}
		for i := range replicas {
			names = append(names, fmt.Sprintf("%s-%d", name, i))
		}
		if slices.ContainsFunc(names, func(n string) bool { return taken[n] }) {
			continue
		}
		for _, n := range names {
			taken[n] = true
		}
		fmt.Fprintf(&text, "  - {name: %q, stake: %d", name, rapid.Int64Range(1, 9).Draw(rt, "stake"))
		if replicas > 0 {
			fmt.Fprintf(&text, ", replicas: %d", replicas)
		}
		text.WriteString("}\n")
	}
	fmt.Fprintf(&text, "  console: {enabled: %v}\n  disruption: {allowQuorumLoss: %v}\n  storage: {whenDeleted: %s}\n",
		rapid.Bool().Draw(rt, "console"), rapid.Bool().Draw(rt, "allowQuorumLoss"), rapid.SampledFrom([]string{"Retain", "Delete"}).Draw(rt, "whenDeleted"))
	n, err := manifest.Read("drawn", strings.NewReader(text.String()))
	if err != nil {
		rt.Fatalf("%v\n%s", err, text.String())
	}
	own := rapid.SampledFrom([]string{"team", kube.LabelNetwork, kube.LabelValidator, kube.LabelName, kube.LabelComponent, kube.AnnotationConfigHash})
	n.Spec.Template.Labels = rapid.MapOf(own, rapid.Just("theirs")).Draw(rt, "labels")
	n.Spec.Template.Annotations = rapid.MapOf(own, rapid.Just("theirs")).Draw(rt, "annotations")
	return born(n)
}

func TestWhateverTheSchemaAllows(t *testing.T) {
	restricted, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := manifests(rt)
		in := input(t, n)
		o := objects(t, in)
		checkNames(rt, o)
		checkMetadata(rt, n, o)
		for _, v := range o.Validators {
			checkPod(rt, restricted, in, v)
		}
		checkSelectors(rt, n, o)
	})
}

// checkNames: no two objects, pods or volumes have one name, and every name is
// one that Kubernetes takes.
func checkNames(rt *rapid.T, o *kube.Objects) {
	seen := map[string]bool{}
	once := func(kind, name string, wrong []string) {
		if id := kind + " " + name; seen[id] {
			rt.Fatalf("there are two of %s", id)
		} else if seen[id] = true; len(wrong) > 0 {
			rt.Fatalf("%s: %v", id, wrong)
		}
	}
	for _, one := range o.All() {
		kind, name := one.GetObjectKind().GroupVersionKind().Kind, one.GetName()
		switch one := one.(type) {
		case *corev1.Service:
			once(kind, name, validation.IsDNS1035Label(name))
		case *appsv1.StatefulSet:
			once(kind, name, validation.IsDNS1123Label(name))
			// A pod's label holds the set's name, a dash and a hash of up to ten digits.
			if len(name) > 63-11 {
				rt.Fatalf("the StatefulSet %s has a name of %d characters", name, len(name))
			}
			once("Pod", name+"-0", validation.IsDNS1123Label(name+"-0"))
			once("PersistentVolumeClaim", one.Spec.VolumeClaimTemplates[0].Name+"-"+name+"-0", nil)
		default:
			once(kind, name, validation.IsDNS1123Subdomain(name))
		}
	}
}

func checkMetadata(rt *rapid.T, n *v1alpha1.PosNetwork, o *kube.Objects) {
	for _, one := range o.All() {
		kind := one.GetObjectKind().GroupVersionKind()
		if kind.Kind == "" || kind.Version == "" || one.GetNamespace() != n.Namespace {
			rt.Fatalf("%T %s: kind %v, namespace %q", one, one.GetName(), kind, one.GetNamespace())
		}
		for key, value := range one.GetLabels() {
			if wrong := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(wrong) > 0 {
				rt.Fatalf("%s %s: label %s=%s: %v", kind.Kind, one.GetName(), key, value, wrong)
			}
		}
		l := one.GetLabels()
		if l[kube.LabelNetwork] != n.Name || l[kube.LabelInstance] != n.Name || l[kube.LabelManagedBy] != kube.ManagedBy || l[kube.LabelName] != "posnet" {
			rt.Fatalf("%s %s: labels %v", kind.Kind, one.GetName(), l)
		}
		// What a chain cannot do without stays with its volumes, all else goes.
		_, isSecret := one.(*corev1.Secret)
		kept := isSecret || one.GetName() == kube.GenesisName(n.Name)
		owned := metav1.IsControlledBy(one, n)
		if want := !kept || n.Spec.Storage.WhenDeleted == v1alpha1.DeleteVolumes; owned != want {
			rt.Fatalf("%s %s goes with its network: %v, want %v", kind.Kind, one.GetName(), owned, want)
		}
	}
}

// checkPod: the restricted level takes the pod, whatever the manifest says, and
// all that it mounts is made.
func checkPod(rt *rapid.T, restricted policy.Evaluator, in kube.Input, v kube.Validator) {
	pod := v.StatefulSet.Spec.Template
	level := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	if result := policy.AggregateCheckResults(restricted.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
		rt.Fatalf("%s: %s", v.StatefulSet.Name, result.ForbiddenDetail())
	}
	mounted := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		switch {
		case volume.Secret != nil:
			mounted[volume.Secret.SecretName] = true
		case volume.ConfigMap != nil:
			mounted[volume.ConfigMap.Name] = true
		}
	}
	if len(mounted) != 3 || !mounted[v.Keys.Name] || !mounted[v.Config.Name] || !mounted[kube.GenesisName(in.Network.Name)] {
		rt.Fatalf("%s mounts %v", v.StatefulSet.Name, mounted)
	}
	if pod.Annotations[kube.AnnotationConfigHash] == "theirs" {
		rt.Fatalf("%s has annotations %v", v.StatefulSet.Name, pod.Annotations)
	}
	k, err := kube.ReadKeys(v.Keys)
	if err != nil || !reflect.DeepEqual(k, in.Keys[v.Name]) {
		rt.Fatalf("the keys of %s read back as %v, error %v", v.Name, k, err)
	}
}

// checkSelectors: every pod is its own StatefulSet's, in exactly one budget, and
// behind both Services.
func checkSelectors(rt *rapid.T, n *v1alpha1.PosNetwork, o *kube.Objects) {
	for _, v := range o.Validators {
		pod := labels.Set(v.StatefulSet.Spec.Template.Labels)
		count := map[string]int{}
		for _, one := range o.All() {
			var selector *metav1.LabelSelector
			switch one := one.(type) {
			case *appsv1.StatefulSet:
				selector = one.Spec.Selector
			case *policyv1.PodDisruptionBudget:
				selector = one.Spec.Selector
			case *corev1.Service:
				selector = metav1.SetAsLabelSelector(one.Spec.Selector)
			default:
				continue
			}
			s, err := metav1.LabelSelectorAsSelector(selector)
			if err != nil {
				rt.Fatal(err)
			}
			if s.Matches(pod) {
				count[fmt.Sprintf("%T", one)]++
			}
		}
		if count["*v1.StatefulSet"] != 1 || count["*v1.PodDisruptionBudget"] != 1 || count["*v1.Service"] != 2 {
			rt.Fatalf("%s of %s is selected by %v", v.Name, n.Name, count)
		}
	}
}
