package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/hack/cluster"
)

const (
	operatorNamespace = "posnet-system"
	sample            = "config/samples/quickstart.yaml"

	// readyPatience is how long the first network may take; on two cores it has a
	// block after some ten seconds.
	readyPatience = 3 * time.Minute
	// lookInterval is the pace at which it is looked at meanwhile.
	lookInterval = time.Second
)

// up makes the cluster, or brings it up to date, and says how to reach it.
func up(ctx context.Context, host *cluster.Host, c *cluster.Cluster, version string) error {
	if err := host.Docker(ctx); err != nil {
		return err
	}
	image, err := host.BuildImage(ctx, version)
	if err != nil {
		return err
	}
	exists, err := c.Exists()
	if err != nil {
		return err
	}
	if !exists {
		if err := c.Create(ctx); err != nil {
			return err
		}
	}
	if err := c.Load(ctx, image); err != nil {
		return err
	}
	if err := c.Install(ctx, operatorNamespace, image); err != nil {
		return err
	}
	kube, err := c.Client()
	if err != nil {
		return err
	}
	network, err := apply(ctx, kube, host.Path(sample))
	if err != nil {
		return err
	}
	if err := await(ctx, kube, network); err != nil {
		return err
	}
	explain(c, network)
	return nil
}

// apply applies the network of a manifest in the namespace default.
func apply(ctx context.Context, kube client.Client, file string) (client.ObjectKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return client.ObjectKey{}, err
	}
	var network unstructured.Unstructured
	if err := yaml.Unmarshal(text, &network.Object); err != nil {
		return client.ObjectKey{}, fmt.Errorf("%s: %w", file, err)
	}
	network.SetNamespace(metav1.NamespaceDefault)
	fmt.Printf("== applying %s\n", sample)
	err = kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(&network), client.FieldOwner("kind-up"), client.ForceOwnership)
	return client.ObjectKeyFromObject(&network), err
}

// await waits until a network is ready and has a block, and tells how it gets on.
func await(ctx context.Context, kube client.Client, name client.ObjectKey) error {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	told := ""
	for {
		var n v1alpha1.PosNetwork
		if err := kube.Get(ctx, name, &n); err != nil {
			return err
		}
		if now := describe(&n); now != told {
			fmt.Println("  ", now)
			told = now
		}
		if meta.IsStatusConditionTrue(n.Status.Conditions, v1alpha1.ConditionReady) && n.Status.Height > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the network %s is not ready after %s: %s; see kubectl describe posnet %s, and kubectl logs -n %s deployment/posnet-operator",
				name.Name, readyPatience, told, name.Name, operatorNamespace)
		case <-time.After(lookInterval):
		}
	}
}

func describe(n *v1alpha1.PosNetwork) string {
	text := fmt.Sprintf("%s: %s, validators %s, height %d", n.Name, n.Status.Phase, n.Status.ValidatorsOnline, n.Status.Height)
	if ready := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status != metav1.ConditionTrue {
		text += ": " + ready.Message
	}
	return text
}

func explain(c *cluster.Cluster, network client.ObjectKey) {
	fmt.Printf(`
The network %[1]s runs in the kind cluster %[2]s. Look at it:

  kubectl config use-context %[3]s
  kubectl get posnet %[1]s --watch
  kubectl get pods -l posnet.dev/network=%[1]s

Its API, while this runs:

  kubectl port-forward service/%[1]s-api %[4]d

  http://localhost:%[4]d           a page that tells what there is
  ws://localhost:%[4]d/ws          the client API: go run ./cmd/posnet status

Take the cluster away with "make kind-down".
`, network.Name, c.Name, c.Context(), apiPort)
}

// apiPort is where a network's Service has its client API.
const apiPort = 9000
