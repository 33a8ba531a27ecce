package webhook_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/webhook"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/test/await"
	testkube "github.com/posnet/posnet/test/kube"
)

func TestMain(m *testing.M) { os.Exit(testkube.Main(m)) }

// rig is a manager that serves the webhook to the API server.
type rig struct {
	t         *testing.T
	client    client.Client
	namespace string
	options   webhook.Options
	probes    string // where /readyz is
}

// start starts the manager and, unless the certificate's Secret is to be
// missing, waits until it is ready.
func start(t *testing.T) *rig {
	t.Helper()
	c := testkube.Shared()
	r := &rig{t: t, client: c.Client, namespace: c.Namespace(t), probes: free(t)}
	_, port, err := net.SplitHostPort(free(t))
	if err != nil {
		t.Fatal(err)
	}
	r.options = webhook.Options{
		Namespace: r.namespace, Service: "posnet-webhook", Secret: "posnet-webhook-cert", Configuration: r.namespace,
		Folder: t.TempDir(), Hosts: []string{"localhost"}, Host: "localhost",
	}
	if _, err := fmt.Sscan(port, &r.options.Port); err != nil {
		t.Fatal(err)
	}
	r.install()
	m, err := ctrl.NewManager(c.Config, ctrl.Options{
		Scheme: c.Client.Scheme(), Logger: logr.Discard(), WebhookServer: r.options.Server(),
		HealthProbeBindAddress: r.probes, Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Add(m, r.options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager: %v", err)
		}
	})
	return r
}

// install makes what an installation makes: the empty Secret and the webhook's
// configuration, here for one namespace.
func (r *rig) install() {
	r.t.Helper()
	path := fmt.Sprintf("https://localhost:%d/validate-posnet-dev-v1alpha1-posnetwork", r.options.Port)
	none, ignore, equivalent := admissionv1.SideEffectClassNone, admissionv1.Ignore, admissionv1.Equivalent
	for _, o := range []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: r.options.Secret}},
		&admissionv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: r.options.Configuration},
			Webhooks: []admissionv1.ValidatingWebhook{{
				Name: "posnetworks.posnet.dev", SideEffects: &none, AdmissionReviewVersions: []string{"v1"}, FailurePolicy: &ignore, MatchPolicy: &equivalent,
				ClientConfig:      admissionv1.WebhookClientConfig{URL: &path},
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.namespace}},
				Rules: []admissionv1.RuleWithOperations{{
					Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{"posnet.dev"}, APIVersions: []string{"v1alpha1"}, Resources: []string{"posnetworks"}},
				}},
			}},
		},
	} {
		if err := r.client.Create(r.t.Context(), o); err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { r.client.Delete(context.Background(), o) })
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (r *rig) awaitReady() {
	r.t.Helper()
	await.True(r.t, "the manager is ready", func() error {
		response, err := http.Get("http://" + r.probes + "/readyz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", response.Status)
		}
		return nil
	})
}

func (r *rig) network(name, spec string) *v1alpha1.PosNetwork {
	r.t.Helper()
	n, err := manifest.Read("test", strings.NewReader("apiVersion: posnet.dev/v1alpha1\nkind: PosNetwork\nmetadata: {name: "+name+"}\nspec:\n"+spec))
	if err != nil {
		r.t.Fatal(err)
	}
	n.Namespace = r.namespace
	return n
}

func TestAdmission(t *testing.T) {
	r := start(t)
	r.awaitReady()
	const one = "  validators: [{name: c, stake: 1}]\n"
	good := r.network("a-b", one)
	if err := r.client.Create(t.Context(), good); err != nil {
		t.Fatalf("a good network: %v", err)
	}
	for name, tt := range map[string]struct {
		network *v1alpha1.PosNetwork
		want    []string
	}{
		"a rule that does not compile": {r.network("bad", one+"  builder: {when: \"pool.size >=\"}\n"),
			[]string{`PosNetwork.posnet.dev "bad" is invalid`, "spec.builder.when: Invalid value", "column 13", "a rule is a CEL expression"}},
		"two of them": {r.network("bad", "  validators: [{name: c, stake: 1, builder: {when: \"height\"}}]\n  builder: {when: \"pool.sice > 1\"}\n"),
			[]string{"spec.builder.when", "did you mean 'pool.size'?", "spec.validators[0].builder.when", "it must give a bool"}},
		"the objects of another network": {r.network("a", "  validators: [{name: x, stake: 1}, {name: b-c, stake: 1}]\n"),
			[]string{"spec.validators: Invalid value: validator b-c's objects would be called a-b-c, as those of validator c of network a-b in namespace " + r.namespace}},
		"the budget of another network": {r.network("a", "  validators: [{name: b, stake: 1}]\n"),
			[]string{"validator b's objects would be called a-b, as those of network a-b in namespace"}},
	} {
		err := r.client.Create(t.Context(), tt.network)
		if !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing in: %v", name, want, err)
			}
		}
	}
	was := good.DeepCopy()
	good.Spec.Builder.When = "1"
	if err := r.client.Patch(t.Context(), good, client.MergeFrom(was)); !apierrors.IsInvalid(err) {
		t.Errorf("an update to a bad rule: %v", err)
	}
	was.Spec.Builder.When = "true"
	if err := r.client.Update(t.Context(), was); err != nil {
		t.Errorf("an update to a good rule: %v", err)
	}
}

// The certificate is made again when it is lost, and the webhook goes on with
// the new one.
func TestCertificateIsLookedAfter(t *testing.T) {
	r := start(t)
	r.awaitReady()
	key := client.ObjectKey{Namespace: r.namespace, Name: r.options.Secret}
	var s corev1.Secret
	if err := r.client.Get(t.Context(), key, &s); err != nil {
		t.Fatal(err)
	}
	first := string(s.Data["tls.crt"])
	if first == "" {
		t.Fatal("there is no certificate in the Secret")
	}
	s.Data = nil
	if err := r.client.Update(t.Context(), &s); err != nil {
		t.Fatal(err)
	}
	await.True(t, "there is a new certificate", func() error {
		if err := r.client.Get(t.Context(), key, &s); err != nil {
			return err
		}
		if now := string(s.Data["tls.crt"]); now == "" || now == first {
			return fmt.Errorf("it has %d bytes, and is the old one: %v", len(now), now == first)
		}
		return nil
	})
	bad := r.network("bad", "  validators: [{name: c, stake: 1}]\n  builder: {when: \"1\"}\n")
	await.True(t, "the webhook refuses again", func() error {
		err := r.client.Create(t.Context(), bad.DeepCopy())
		if err == nil {
			r.client.Delete(t.Context(), bad.DeepCopy())
		}
		if !apierrors.IsInvalid(err) {
			return fmt.Errorf("a bad rule: %w", err)
		}
		return nil
	})
}
