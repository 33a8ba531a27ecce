//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/hack/cluster"
)

const (
	clusterName       = "posnet-e2e"
	operatorNamespace = "posnet-system"
	operatorName      = "posnet-operator"

	// namespace is where the networks are, in the strictest Pod Security level, as
	// the operator itself is.
	namespace = "chains"

	// version is that of the image that all is about, and previousVersion that of
	// an image and a chart to upgrade from.
	version, previousVersion = "0.1.0-e2e", "0.0.9-e2e"
)

// world is a cluster with everything to look at it.
type world struct {
	host    *cluster.Host
	cluster *cluster.Cluster
	rest    *rest.Config
	kube    client.WithWatch
	typed   kubernetes.Interface
	proxy   string // host:port of a way to the API server that needs no credentials

	image, previous cluster.Image
}

// TestStories tells all stories on one cluster.
func TestStories(t *testing.T) {
	w := newWorld(t)
	for _, s := range []struct {
		name string
		tell func(*testing.T, *world)
	}{
		{"install", installStory},
		{"quickstart", quickstartStory},
		{"upgrade", upgradeStory},
		{"records", recordsStory},
		{"rule", ruleStory},
		{"pod", podStory},
		{"stakes", stakesStory},
		{"rollout", rolloutStory},
		{"stuck", stuckStory},
		{"eviction", evictionStory},
		{"operator", operatorStory},
		{"quorum", quorumStory},
		{"hibernate", hibernateStory},
		{"delete", deleteStory},
		{"neighbours", neighboursStory},
		{"uninstall", uninstallStory},
	} {
		ok := t.Run(s.name, func(t *testing.T) {
			began := time.Now()
			defer func() { t.Logf("told in %s", time.Since(began).Round(time.Second)) }()
			defer w.dumpIfFailed(t)
			s.tell(t, w)
		})
		if !ok && s.name == "install" {
			t.Fatal("without an operator there is nothing more to tell")
		}
	}
}

// newWorld makes the cluster; it goes at the end of the test, unless E2E_KEEP is set.
func newWorld(t *testing.T) *world {
	ctx := t.Context()
	host, err := cluster.NewHost(ctx, os.Stderr)
	must(t, err)
	must(t, host.Docker(ctx))
	w := &world{host: host}
	w.previous, err = host.BuildImage(ctx, previousVersion)
	must(t, err)
	w.image, err = host.BuildImage(ctx, version)
	must(t, err)

	kubeconfig := filepath.Join(os.TempDir(), clusterName+".kubeconfig")
	w.cluster = host.Cluster(clusterName, kubeconfig)
	must(t, w.cluster.Delete()) // what an interrupted run left
	t.Cleanup(func() { w.goAway(t) })
	must(t, w.cluster.Create(ctx))
	must(t, w.cluster.Load(ctx, w.previous))
	must(t, w.cluster.Load(ctx, w.image))

	w.rest, err = w.cluster.REST()
	must(t, err)
	w.kube, err = w.cluster.Client()
	must(t, err)
	w.typed, err = kubernetes.NewForConfig(w.rest)
	must(t, err)
	w.proxy = serveProxy(t, w.rest)
	w.makeNamespace(t, operatorNamespace)
	w.makeNamespace(t, namespace)
	return w
}

func (w *world) goAway(t *testing.T) {
	if os.Getenv("E2E_KEEP") == "1" {
		t.Logf("the cluster stays: export KUBECONFIG=%s; kind delete cluster --name %s takes it away", w.cluster.Kubeconfig, clusterName)
		return
	}
	must(t, w.cluster.Delete())
	must(t, os.RemoveAll(w.cluster.Kubeconfig))
}

// makeNamespace makes a namespace that takes none but restricted pods.
func (w *world) makeNamespace(t *testing.T, name string) {
	t.Helper()
	must(t, w.kube.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within is a context for what may take so long at most.
func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
