package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// objects are the objects of a text of YAML documents, by kind and name.
func objects(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, one := range strings.Split("\n"+text, "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(one), &o); err != nil {
			t.Fatalf("%v in\n%s", err, one)
		}
		if len(o) == 0 {
			continue
		}
		name := o["kind"].(string) + "/" + o["metadata"].(map[string]any)["name"].(string)
		if all[name] != nil {
			t.Errorf("%s is there twice", name)
		}
		all[name] = o
		checkFields(t, name, one)
	}
	return all
}

// checkFields checks that an object has no field that its kind does not have.
func checkFields(t *testing.T, name, text string) {
	t.Helper()
	kind, _, _ := strings.Cut(name, "/")
	into := map[string]any{
		"Namespace": &corev1.Namespace{}, "Deployment": &appsv1.Deployment{}, "Service": &corev1.Service{}, "Secret": &corev1.Secret{},
		"ServiceAccount": &corev1.ServiceAccount{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{}, "NetworkPolicy": &networkingv1.NetworkPolicy{},
		"Role": &rbacv1.Role{}, "ClusterRole": &rbacv1.ClusterRole{}, "RoleBinding": &rbacv1.RoleBinding{}, "ClusterRoleBinding": &rbacv1.ClusterRoleBinding{},
		"ValidatingWebhookConfiguration": &admissionv1.ValidatingWebhookConfiguration{}, "CustomResourceDefinition": &apiextensionsv1.CustomResourceDefinition{},
		"ServiceMonitor": &map[string]any{}, // of the Prometheus operator
	}[kind]
	if into == nil {
		t.Errorf("%s is of a kind that this test does not know", name)
	} else if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// rendered renders the chart, as a whole.
func rendered(t *testing.T, args ...string) map[string]map[string]any {
	t.Helper()
	documents, err := render(t.Context(), chartDir, args...)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, d := range documents {
		text = append(text, d.text)
	}
	return objects(t, strings.Join(text, "\n---\n"))
}

// What "kubectl apply -k config/default" installs is what the chart installs,
// object by object: but for the namespace, which helm makes itself, and for what
// only Helm reads.
func TestBothWaysInstallTheSame(t *testing.T) {
	t.Chdir("../..")
	var text []string
	for _, folder := range []string{"config/default", "config/prometheus"} {
		out, err := tool(t.Context(), "kustomize", "build", folder)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, out)
	}
	config := objects(t, strings.Join(text, "\n---\n"))
	if config["Namespace/"+namespace] == nil {
		t.Errorf("config/default makes no namespace %s", namespace)
	}
	delete(config, "Namespace/"+namespace)

	chart := rendered(t, "--set", "serviceMonitor.enabled=true")
	for name, o := range chart {
		metadata := o["metadata"].(map[string]any)
		for _, field := range []string{"labels", "annotations"} {
			if values, ok := metadata[field].(map[string]any); ok {
				maps.DeleteFunc(values, func(key string, _ any) bool {
					return strings.HasPrefix(key, "helm.sh/") || key == "app.kubernetes.io/managed-by"
				})
			}
		}
		if !reflect.DeepEqual(config[name], o) {
			t.Errorf("%s differs: config has\n%s\nthe chart has\n%s", name, asYAML(t, config[name]), asYAML(t, o))
		}
	}
	for name := range config {
		if chart[name] == nil {
			t.Errorf("config has %s, the chart has not", name)
		}
	}
}

func asYAML(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Helm's own check of a chart.
func TestLint(t *testing.T) {
	t.Chdir("../..")
	if _, err := tool(t.Context(), "helm", "lint", "--strict", chartDir); err != nil {
		t.Error(err)
	}
}

// What values do: objects that come and go, and words that appear.
func TestValues(t *testing.T) {
	t.Chdir("../..")
	usual := slices.Sorted(maps.Keys(rendered(t)))
	for name, tt := range map[string]struct {
		sets        []string
		more, fewer []string
		words       []string // of the Deployment's JSON
	}{
		"everything": {
			sets: []string{
				"replicas=3", "serviceMonitor.enabled=true", "image.repository=mirror.example:5000/posnet", "image.tag=v2", "image.pullPolicy=Never",
				"imagePullSecrets={one,two}", "watchNamespace=games", "logLevel=debug", "resources.limits.memory=1Gi", "nodeSelector.disk=ssd",
				"priorityClassName=high", "tolerations[0].key=chain", "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey=zone",
				"podLabels.team=chain", "podAnnotations.note=mine",
			},
			more: []string{"PodDisruptionBudget/posnet-operator", "ServiceMonitor/posnet-nodes", "ServiceMonitor/posnet-operator"},
			words: []string{
				`"replicas":3`, `"--leader-elect"`, `"image":"mirror.example:5000/posnet:v2"`, `"name":"POSNET_IMAGE","value":"mirror.example:5000/posnet:v2"`,
				`"imagePullPolicy":"Never"`, `"imagePullSecrets":[{"name":"one"},{"name":"two"}]`, `"--watch-namespace=games"`, `"--log-level=debug"`,
				`"limits":{"memory":"1Gi"}`, `"nodeSelector":{"disk":"ssd"}`, `"priorityClassName":"high"`, `"tolerations":[{"key":"chain"}]`,
				`"affinity":{"podAntiAffinity":`, `"team":"chain"`, `"note":"mine"`,
			},
		},
		"no webhook": {
			sets:  []string{"webhook.enabled=false"},
			fewer: []string{"Secret/posnet-webhook-cert", "Service/posnet-webhook", "ValidatingWebhookConfiguration/posnet-webhook"},
			words: []string{`"--webhook=false"`},
		},
		"no kind and no policy": {
			sets:  []string{"crd.install=false", "networkPolicy.enabled=false"},
			fewer: []string{"CustomResourceDefinition/posnetworks.posnet.dev", "NetworkPolicy/posnet-operator"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, sets(tt.sets)...)
			want := slices.DeleteFunc(append(slices.Clone(usual), tt.more...), func(o string) bool { return slices.Contains(tt.fewer, o) })
			slices.Sort(want)
			if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
				t.Errorf("the objects are %q, want %q", names, want)
			}
			deployment, err := json.Marshal(got["Deployment/posnet-operator"])
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range tt.words {
				if !strings.Contains(string(deployment), word) {
					t.Errorf("the Deployment lacks %s:\n%s", word, deployment)
				}
			}
		})
	}
}

func sets(values []string) (args []string) {
	for _, v := range values {
		args = append(args, "--set", v)
	}
	return args
}

// The kind is upgraded with the chart, being a template, and outlives it.
func TestKindIsKept(t *testing.T) {
	t.Chdir("../..")
	crd := rendered(t)["CustomResourceDefinition/posnetworks.posnet.dev"]
	annotations := crd["metadata"].(map[string]any)["annotations"].(map[string]any)
	if annotations["helm.sh/resource-policy"] != "keep" {
		t.Errorf("the kind has the annotations %v: helm uninstall would delete all networks", annotations)
	}
}

// Values that cannot be are refused, each with its place and what is allowed there.
func TestSchemaRefuses(t *testing.T) {
	t.Chdir("../..")
	for _, refused := range []map[string]string{ // helm tells of all at once
		{
			"replicas=many":                    "at '/replicas': got string, want integer",
			"replica=2":                        "additional properties 'replica' not allowed",
			"image.tag=a b":                    "at '/image/tag': 'a b' does not match pattern",
			"image.repository=":                "at '/image/repository'",
			"image.pullPolicy=Sometimes":       "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
			"logLevel=loud":                    "at '/logLevel': value must be one of 'debug', 'info', 'warn', 'error'",
			"webhook.enabled=maybe":            "at '/webhook/enabled': got string, want boolean",
			"webhook.failurePolicy=Perhaps":    "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'",
			"webhook.timeoutSeconds=60":        "at '/webhook/timeoutSeconds': maximum",
			"serviceMonitor.interval=often":    "at '/serviceMonitor/interval': 'often' does not match pattern",
			"serviceMonitor.labels.release=10": "at '/serviceMonitor/labels/release': got number, want string",
			"watchNamespace=Not_A_Name":        "at '/watchNamespace': 'Not_A_Name' does not match pattern",
			"resources.limit.memory=1Gi":       "at '/resources': additional properties 'limit' not allowed",
			"nodeSelector.disks=3":             "at '/nodeSelector/disks': got number, want string",
			"podAnnotations.count=1":           "at '/podAnnotations/count': got number, want string",
			"imagePullSecrets[0].name=mirror":  "at '/imagePullSecrets/0': got object, want string",
			"crd.keep=false":                   "at '/crd': additional properties 'keep' not allowed",
		},
		{"replicas=-1": "at '/replicas': minimum", "networkPolicy=true": "at '/networkPolicy': got boolean, want object"},
		{"replicas=11": "at '/replicas': maximum"},
	} {
		_, err := render(t.Context(), chartDir, sets(slices.Collect(maps.Keys(refused)))...)
		if err == nil {
			t.Errorf("accepted: %q", slices.Collect(maps.Keys(refused)))
			continue
		}
		for set, words := range refused {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s is refused without %q: %v", set, words, err)
			}
		}
	}
}

// The webhook of the chart is the one that the Go code says it serves.
func TestWebhookIsTheOneServed(t *testing.T) {
	t.Chdir("../..")
	text, err := tool(t.Context(), "controller-gen", "webhook", "paths=./controllers/webhook/...", "output:webhook:stdout")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = strings.Cut(text, "---\n")
	var served, installed admissionv1.ValidatingWebhookConfiguration
	if err := yaml.Unmarshal([]byte(text), &served); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(asYAML(t, rendered(t)["ValidatingWebhookConfiguration/posnet-webhook"])), &installed); err != nil {
		t.Fatal(err)
	}
	if len(served.Webhooks) != 1 || len(installed.Webhooks) != 1 {
		t.Fatalf("%d webhooks are served, %d installed: want 1", len(served.Webhooks), len(installed.Webhooks))
	}
	want, got := served.Webhooks[0], installed.Webhooks[0]
	want.ClientConfig.Service.Name, want.ClientConfig.Service.Namespace = got.ClientConfig.Service.Name, got.ClientConfig.Service.Namespace
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the chart installs\n%s\nthe code serves\n%s", asYAML(t, got), asYAML(t, want))
	}
}
