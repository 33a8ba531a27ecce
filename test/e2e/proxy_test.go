//go:build e2e

package e2e

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"
)

// serveProxy serves the cluster's API on a port of this machine, as "kubectl proxy"
// does, and returns its host:port. Through the API server's own proxy it leads to
// every pod, by name, websockets included.
func serveProxy(t *testing.T, config *rest.Config) string {
	t.Helper()
	config = rest.CopyConfig(config)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no upgrade to a websocket
	transport, err := rest.TransportFor(config)
	must(t, err)
	target, err := url.Parse(config.Host)
	must(t, err)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // who asked is told, by a 502
	})
	t.Cleanup(server.CloseClientConnections)
	return server.Listener.Addr().String()
}

// podPath is the way to a port of a pod, through the API server.
func podPath(namespace, pod, port string) string {
	return "/api/v1/namespaces/" + namespace + "/pods/" + pod + ":" + port + "/proxy"
}

// get returns what a pod answers at a path of one of its ports.
func (w *world) get(t *testing.T, namespace, pod, port, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t, patience), http.MethodGet, "http://"+w.proxy+podPath(namespace, pod, port)+path, nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}
