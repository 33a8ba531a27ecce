package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// Files of the certificate, in its Secret and in Options.Folder.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// Options say where the webhook and its certificate live. The installation
// makes the Service, the Secret (empty) and the configuration; the operator
// fills in the certificate, and looks after it.
type Options struct {
	Namespace     string   // of the operator
	Service       string   // by which the API server reaches the webhook
	Secret        string   // that keeps the certificate
	Configuration string   // the ValidatingWebhookConfiguration
	Hosts         []string // by which the webhook is reached beside, where the API server is outside the cluster
	Folder        string   // on this machine, for the certificate in use; made if missing
	Host          string   // on which the webhook listens; empty: all
	Port          int
}

// Server returns the webhook server to make a manager with.
func (o Options) Server() crwebhook.Server {
	return crwebhook.NewServer(crwebhook.Options{Host: o.Host, Port: o.Port, CertDir: o.Folder, CertName: certFile, KeyName: keyFile})
}

// Add adds the webhook to a manager: its certificate, and, once there is one,
// its server. The manager is ready from then on.
func Add(m manager.Manager, o Options) error {
	ready := make(chan struct{})
	secret := types.NamespacedName{Namespace: o.Namespace, Name: o.Secret}
	if err := addMirror(m, secret, o.Folder); err != nil {
		return err
	}
	// Every replica of the operator serves, and so every one looks after the
	// certificate: whoever comes second meets a conflict, and reads again.
	err := rotator.AddRotator(m, &rotator.CertRotator{
		SecretKey: secret, CertDir: o.Folder, CertName: certFile, KeyName: keyFile,
		CAName: "posnet-operator", CAOrganization: "posnet", FieldOwner: "posnet-operator",
		DNSName:        fmt.Sprintf("%s.%s.svc", o.Service, o.Namespace),
		ExtraDNSNames:  append([]string{fmt.Sprintf("%s.%s.svc.cluster.local", o.Service, o.Namespace)}, o.Hosts...),
		IsReady:        ready,
		ControllerName: o.Configuration + "-certificate",
		Webhooks:       []rotator.WebhookInfo{{Name: o.Configuration, Type: rotator.Validating}},
	})
	if err != nil {
		return err
	}
	if err := m.AddReadyzCheck("webhook", isServing(m, ready)); err != nil {
		return err
	}
	return m.Add(everywhere(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
			return Register(m) // the server starts with its first webhook
		}
	}))
}

// isServing is ready once the certificate is there and the server answers.
func isServing(m manager.Manager, ready <-chan struct{}) healthz.Checker {
	return func(r *http.Request) error {
		select {
		case <-ready:
			return m.GetWebhookServer().StartedChecker()(r)
		default:
			return errors.New("the webhook has no certificate yet")
		}
	}
}

// everywhere runs on each replica, leader or not.
type everywhere func(context.Context) error

// Start implements manager.Runnable.
func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }

// addMirror keeps the certificate's files as the Secret has them. A volume of
// the Secret would do the same, a minute or two late.
func addMirror(m manager.Manager, secret types.NamespacedName, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("the folder for the webhook's certificate: %w; choose another with --webhook-cert-dir", err)
	}
	one, err := cache.New(m.GetConfig(), cache.Options{
		Scheme: m.GetScheme(), Mapper: m.GetRESTMapper(), HTTPClient: m.GetHTTPClient(),
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {
			Namespaces: map[string]cache.Config{secret.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", secret.Name)}},
		}},
	})
	if err != nil {
		return err
	}
	log := m.GetLogger().WithName("webhook")
	write := func(object any) {
		if s, ok := object.(*corev1.Secret); ok && len(s.Data[certFile]) > 0 {
			if err := mirror(s, folder); err != nil {
				log.Error(err, "the webhook's certificate cannot be written to its folder", "folder", folder)
			}
		}
	}
	return m.Add(everywhere(func(ctx context.Context) error {
		informer, err := one.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: write, UpdateFunc: func(_, now any) { write(now) },
		}); err != nil {
			return err
		}
		return one.Start(ctx)
	}))
}

// mirror writes the key before the certificate, whose appearance is waited for.
func mirror(s *corev1.Secret, folder string) error {
	for _, name := range []string{keyFile, certFile} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path+".new", s.Data[name], 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}
