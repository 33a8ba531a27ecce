package cluster

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/posnet/posnet/api/v1alpha1"
)

// Release is the name under which the chart is installed.
const Release = "posnet"

// installPatience is what helm waits for the operator to become ready.
const installPatience = "3m"

// Install installs the chart in a namespace, or upgrades it, to run an image, and
// waits for the operator. Further arguments are helm's.
func (c *Cluster) Install(ctx context.Context, namespace string, image Image, args ...string) error {
	c.host.say("installing the chart, and waiting for the operator")
	args = append(append([]string{
		"upgrade", Release, c.host.Path("charts", "posnet"), "--install", "--namespace", namespace, "--create-namespace",
		"--wait", "--timeout", installPatience,
	}, image.Values()...), args...)
	_, err := c.Helm(ctx, args...)
	return err
}

// REST is how a program reaches the cluster.
func (c *Cluster) REST() (*rest.Config, error) {
	text, err := c.provider.KubeConfig(c.Name, false)
	if err != nil {
		return nil, err
	}
	return clientcmd.RESTConfigFromKubeConfig([]byte(text))
}

// Client reads and writes the cluster's objects, networks among them.
func (c *Cluster) Client() (client.WithWatch, error) {
	config, err := c.REST()
	if err != nil {
		return nil, fmt.Errorf("reach the cluster %s: %w", c.Name, err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	log.SetLogger(logr.Discard()) // the client has nothing to log that its errors do not say
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}
