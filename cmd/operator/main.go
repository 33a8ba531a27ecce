// Command operator makes proof-of-stake networks of the PosNetwork objects of a
// Kubernetes cluster.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/posnet/posnet/controllers"
	"github.com/posnet/posnet/controllers/webhook"
)

// version is set by the linker in releases.
var version = "dev"

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

type flags struct {
	options  controllers.Options
	webhook  webhook.Options
	serve    bool
	logLevel string
}

func command() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "operator",
		Short: "Make proof-of-stake networks of a cluster's PosNetwork objects",
		Long: "Make proof-of-stake networks of a cluster's PosNetwork objects, and tell in their status how\n" +
			"they are. The cluster is the one that the operator runs in, or that of KUBECONFIG. Logs go to\n" +
			"standard error as JSON lines.",
		Args:          cobra.NoArgs,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(*cobra.Command, []string) error { return run(f) },
	}
	f.define(c)
	return c
}

func (f *flags) define(c *cobra.Command) {
	set, o, w := c.Flags(), &f.options, &f.webhook
	set.StringVar(&o.Image, "image", os.Getenv("POSNET_IMAGE"), "image of the nodes whose manifest names none (default: environment POSNET_IMAGE)")
	set.StringVar(&o.WatchNamespace, "watch-namespace", "", "the one namespace whose networks to look after (default: all)")
	set.StringVar(&o.MetricsAddress, "metrics-address", ":8080", "where Prometheus metrics are served, 0 for nowhere")
	set.StringVar(&o.ProbeAddress, "probe-address", ":8081", "where /healthz and /readyz are served, 0 for nowhere")
	set.BoolVar(&o.LeaderElection, "leader-elect", true, "act only while holding a lease, so that several replicas can run")
	set.StringVar(&o.LeaseNamespace, "leader-election-namespace", "", "namespace of the lease (default: the operator's own)")
	set.BoolVar(&f.serve, "webhook", true, "refuse manifests whose rules do not compile at admission")
	set.StringVar(&w.Namespace, "webhook-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the webhook's Service and Secret (default: environment POD_NAMESPACE)")
	set.StringVar(&w.Service, "webhook-service", "posnet-webhook", "Service by which the API server reaches the webhook")
	set.StringVar(&w.Secret, "webhook-secret", "posnet-webhook-cert", "Secret that keeps the webhook's certificate")
	set.StringVar(&w.Configuration, "webhook-configuration", "posnet-webhook", "ValidatingWebhookConfiguration of the webhook")
	set.StringVar(&w.Folder, "webhook-cert-dir", "/tmp/posnet-webhook", "folder for the certificate in use")
	set.IntVar(&w.Port, "webhook-port", 9443, "port of the webhook, 1 to 65535")
	set.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

func run(f flags) error {
	o, err := f.complete()
	if err != nil {
		return err
	}
	ctrl.SetLogger(o.Logger)
	klog.SetLogger(o.Logger.WithName("client-go"))
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster: %w; run in one, or set KUBECONFIG", err)
	}
	m, err := controllers.NewManager(config, o)
	if err != nil {
		return err
	}
	o.Logger.Info("the operator starts", "version", version, "image", o.Image)
	return m.Start(ctrl.SetupSignalHandler())
}

// complete checks the flags together.
func (f flags) complete() (controllers.Options, error) {
	o := f.options
	if o.Image == "" {
		return o, fmt.Errorf("no image for the nodes: give --image, or set POSNET_IMAGE")
	}
	if f.serve {
		if f.webhook.Namespace == "" {
			return o, fmt.Errorf("the webhook's namespace is unknown: give --webhook-namespace, set POD_NAMESPACE, or do without (--webhook=false)")
		}
		if f.webhook.Port < 1 || f.webhook.Port > 65535 {
			return o, fmt.Errorf("--webhook-port is %d: it must be 1 to 65535", f.webhook.Port)
		}
		o.Webhook = &f.webhook
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(f.logLevel))); err != nil {
		return o, fmt.Errorf("--log-level is %q: it must be debug, info, warn or error", f.logLevel)
	}
	o.Logger = logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	return o, nil
}
