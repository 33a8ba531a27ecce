//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// impostor is a validator of one network that dials into another one.
type impostor struct {
	mesh *p2p.Mesh
	up   chan types.PublicKey
}

// impostor has a validator of this network, with its real key, dial a node of
// another network, of which it knows the key.
func (n *network) impostor(t *testing.T, validator string, other *network, target string) *impostor {
	t.Helper()
	var secret corev1.Secret
	must(t, n.kube.Get(t.Context(), n.named(kube.KeysName(n.key.Name, validator)), &secret))
	keys, err := kube.ReadKeys(&secret)
	must(t, err)
	c := n.dial(t, validator)
	status, err := c.Status(t.Context())
	must(t, err)
	i := &impostor{up: make(chan types.PublicKey, 1)}
	i.mesh, err = p2p.New(p2p.Config{
		Key: keys.Sign, Network: status.NetworkID, Name: validator, Listen: "127.0.0.1:0", Handler: i,
		Peers: []p2p.Peer{{Name: target, Key: other.publicKey(t, target), Address: target + ":" + strconv.Itoa(kube.PortP2P)}},
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			return other.dialForwarded(ctx, t.Context(), target, kube.PortP2P)
		},
	})
	must(t, err)
	i.mesh.Start()
	t.Cleanup(i.mesh.Close)
	return i
}

// Message is never called, but where a link came up.
func (i *impostor) Message(types.PublicKey, p2p.Kind, []byte) {}

// LinkUp tells that the impostor was let in.
func (i *impostor) LinkUp(peer types.PublicKey) {
	select {
	case i.up <- peer:
	default:
	}
}

// LinkDown tells nothing more.
func (i *impostor) LinkDown(types.PublicKey) {}

// awaitRefusal waits until the impostor is told why there is no link, in a sentence
// that has a part. Before that the way to the node may break, which says nothing.
func (i *impostor) awaitRefusal(t *testing.T, part string) {
	t.Helper()
	limit := within(t, patience)
	for look := time.NewTicker(100 * time.Millisecond); ; {
		problem := i.mesh.Peers()[0].Problem
		if strings.Contains(problem, part) {
			return
		}
		select {
		case <-look.C:
		case <-i.up:
			t.Fatal("the impostor was let in")
		case <-limit.Done():
			t.Fatalf("after %s the impostor is told %q, want %q", patience, problem, part)
		}
	}
}

// dialForwarded connects to a port of a validator's pod, for a protocol that the API
// server's proxy does not know. The way there is this connection's own and open as
// long as life: of several connections that share one, any that is reset ends all.
func (n *network) dialForwarded(ctx, life context.Context, validator string, port int) (net.Conn, error) {
	transport, upgrader, err := spdy.RoundTripperFor(n.rest)
	if err != nil {
		return nil, err
	}
	url := n.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(n.key.Namespace).Name(kube.PodName(n.key.Name, validator)).SubResource("portforward").URL()
	open := make(chan struct{})
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url),
		[]string{"0:" + strconv.Itoa(port)}, life.Done(), open, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-open:
	case err := <-failed:
		return nil, fmt.Errorf("forward a port to %s: %w", validator, err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(int(ports[0].Local)))
}

// metric is a node's own figure, by the name it has for Prometheus.
func (n *network) metric(t *testing.T, validator, name string) float64 {
	t.Helper()
	status, body := n.world.get(t, n.key.Namespace, kube.PodName(n.key.Name, validator), strconv.Itoa(kube.PortMetrics), "/metrics")
	for line := range strings.Lines(body) {
		if text, is := strings.CutPrefix(line, name+" "); is {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			must(t, err)
			return value
		}
	}
	t.Fatalf("%s has no metric %s: it answers %d", validator, name, status)
	return 0
}
