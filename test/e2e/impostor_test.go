//go:build e2e

package e2e

import (
	"io"
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
// another network, of which it knows address and key.
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
		Peers: []p2p.Peer{{Name: target, Key: other.publicKey(t, target), Address: other.forward(t, target, kube.PortP2P)}},
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

// awaitProblem waits until the impostor is told why there is no link.
func (i *impostor) awaitProblem(t *testing.T) string {
	t.Helper()
	limit := within(t, patience)
	for look := time.NewTicker(100 * time.Millisecond); ; {
		if problem := i.mesh.Peers()[0].Problem; problem != "" {
			return problem
		}
		select {
		case <-look.C:
		case <-i.up:
			t.Fatal("the impostor was let in")
		case <-limit.Done():
			t.Fatalf("the impostor was neither let in nor refused in %s", patience)
		}
	}
}

// forward opens a way to a port of a validator's pod, for a protocol that the API
// server's proxy does not know, and returns its host:port.
func (n *network) forward(t *testing.T, validator string, port int) string {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(n.rest)
	must(t, err)
	url := n.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(n.key.Namespace).Name(kube.PodName(n.key.Name, validator)).SubResource("portforward").URL()
	stop, open := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url),
		[]string{"0:" + strconv.Itoa(port)}, stop, open, io.Discard, io.Discard)
	must(t, err)
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	t.Cleanup(func() { close(stop) })
	select {
	case <-open:
	case err := <-failed:
		t.Fatalf("forward a port to %s: %v", validator, err)
	}
	ports, err := forwarder.GetPorts()
	must(t, err)
	return "127.0.0.1:" + strconv.Itoa(int(ports[0].Local))
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
