// Package kube gives tests a Kubernetes: a real API server and etcd, which are
// built from their Go modules the first time, and a stand-in for the machines of
// a cluster, which runs the pods of StatefulSets as real nodes in the test's own
// process.
package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/config/crd"
)

// startTimeout is how long the API server may take to start, on a machine that
// is busy with something else.
const startTimeout = 2 * time.Minute

// Cluster is an API server that knows the PosNetwork kind. There is no
// controller and no machine in it.
type Cluster struct {
	Config *rest.Config
	Client client.WithWatch // reads and writes directly
	env    *envtest.Environment
	users  sync.Mutex // env adds one at a time: what signs their certificates counts without a lock
}

// shared is the cluster of this test binary, from Main on.
var shared *Cluster

// Main runs the tests of a package with one cluster for all of them: what
// TestMain is to call. It returns the exit code.
func Main(m *testing.M) int {
	c, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no API server for the tests:", err)
		return 1
	}
	shared = c
	code := m.Run()
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "the API server does not stop:", err)
		return 1
	}
	return code
}

// Shared returns the cluster of Main.
func Shared() *Cluster { return shared }

// Start starts an API server and its etcd.
func Start() (*Cluster, error) {
	assets, err := assets()
	if err != nil {
		return nil, err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(crd.PosNetworks), &definition); err != nil {
		return nil, err
	}
	c := &Cluster{env: &envtest.Environment{
		BinaryAssetsDirectory:    assets,
		CRDs:                     []*apiextensionsv1.CustomResourceDefinition{&definition},
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  startTimeout,
	}}
	if c.Config, err = c.env.Start(); err != nil {
		return nil, err
	}
	scheme := apiruntime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c.Client, err = client.NewWithWatch(c.Config, client.Options{Scheme: scheme})
	return c, err
}

// Stop stops both.
func (c *Cluster) Stop() error { return c.env.Stop() }

// Namespace makes a namespace for a test.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Client.Create(context.Background(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// User returns the configuration of somebody who is in no group of
// administrators, and may do what roles allow.
func (c *Cluster) User(t testing.TB, name string) *rest.Config {
	t.Helper()
	c.users.Lock()
	defer c.users.Unlock()
	user, err := c.env.AddUser(envtest.User{Name: name}, c.Config)
	if err != nil {
		t.Fatal(err)
	}
	return user.Config()
}

// assets returns the folder with kube-apiserver and etcd: KUBEBUILDER_ASSETS,
// or where hack/kind-node/build.sh keeps them, which builds them if need be.
func assets() (string, error) {
	if folder := os.Getenv("KUBEBUILDER_ASSETS"); folder != "" {
		return folder, nil
	}
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "hack", "kind-node", "build.sh")
	build := exec.Command("bash", script, "control-plane")
	var out bytes.Buffer
	build.Stdout, build.Stderr = &out, os.Stderr // the first build takes minutes, and tells what it does
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("%s: %w; or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd", script, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], nil
}
