package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
)

// readyPatience is how long a new cluster's node may take to become ready. On two
// busy cores it takes about a minute.
const readyPatience = 5 * time.Minute

// Cluster is a kind cluster on this machine.
type Cluster struct {
	Name       string
	Kubeconfig string // a file; empty for the person's own
	host       *Host
	provider   *cluster.Provider
}

// Cluster is the cluster of a name, whether or not it is there yet. kubeconfig is
// the file that tells programs how to reach it; empty stands for the person's own.
func (h *Host) Cluster(name, kubeconfig string) *Cluster {
	return &Cluster{
		Name: name, Kubeconfig: kubeconfig, host: h,
		provider: cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(progress{h.out})),
	}
}

// Exists reports whether the cluster is there.
func (c *Cluster) Exists() (bool, error) {
	names, err := c.provider.List()
	return slices.Contains(names, c.Name), err
}

// Create makes the cluster, of one node. What a failed attempt made is removed.
func (c *Cluster) Create(ctx context.Context) error {
	image, err := c.host.NodeImage(ctx)
	if err != nil {
		return err
	}
	own, err := c.host.bringsNetwork(ctx, image)
	if err != nil {
		return err
	}
	options := []cluster.CreateOption{
		cluster.CreateWithNodeImage(image), cluster.CreateWithWaitForReady(readyPatience), cluster.CreateWithKubeconfigPath(c.Kubeconfig),
	}
	if own {
		options = append(options, cluster.CreateWithConfigFile(c.host.Path("hack", "kind-node", "cluster.yaml")))
	}
	c.host.say("making the cluster %s of the node image %s", c.Name, image)
	if err := c.provider.Create(c.Name, options...); err != nil {
		return fmt.Errorf("make the kind cluster %s: %w", c.Name, err)
	}
	return ctx.Err()
}

// Delete takes the cluster away. One that is not there is no error.
func (c *Cluster) Delete() error {
	return c.provider.Delete(c.Name, c.Kubeconfig)
}

// Config is the cluster's kubeconfig, as YAML.
func (c *Cluster) Config() (string, error) {
	return c.provider.KubeConfig(c.Name, false)
}

// Context is the name that the cluster has in a kubeconfig.
func (c *Cluster) Context() string { return "kind-" + c.Name }

// Load brings an image that Docker has into the cluster.
func (c *Cluster) Load(ctx context.Context, image Image) error {
	c.host.say("loading %s into the cluster", image)
	nodes, err := c.provider.ListInternalNodes(c.Name)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		save := c.host.command(ctx, "docker", "save", image.String())
		archive, err := save.StdoutPipe()
		if err != nil {
			return err
		}
		if err := save.Start(); err != nil {
			return err
		}
		loaded := nodeutils.LoadImageArchive(node, archive)
		if err := errors.Join(loaded, save.Wait()); err != nil {
			return fmt.Errorf("load the image %s into %s: %w", image, node, err)
		}
	}
	return nil
}

// Helm runs helm on the cluster, and returns what it printed.
func (c *Cluster) Helm(ctx context.Context, args ...string) (string, error) {
	args = append(args, "--kube-context", c.Context())
	if c.Kubeconfig != "" {
		args = append(args, "--kubeconfig", c.Kubeconfig)
	}
	return c.host.tool(ctx, "helm", args...)
}

// Logs collects what the cluster's node and pods have logged into a folder.
func (c *Cluster) Logs(folder string) error {
	return c.provider.CollectLogs(c.Name, folder)
}
