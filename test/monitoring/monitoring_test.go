// Package monitoring_test asks running nodes what those who look after them
// ask: health, readiness, version and metrics.
package monitoring_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names are all metrics of posnet's own: who renames one breaks dashboards and
// alerts.
var names = []string{
	"posnet_api_connections", "posnet_api_refused_connections_total", "posnet_api_request_seconds",
	"posnet_api_requests_total", "posnet_api_slow_readers_total",
	"posnet_block_interval_seconds", "posnet_blocks_committed_total", "posnet_commit_seconds",
	"posnet_evidence", "posnet_height", "posnet_messages_rejected_total", "posnet_oldest_block",
	"posnet_p2p_bytes_total", "posnet_p2p_drops_total", "posnet_p2p_links", "posnet_p2p_messages_total", "posnet_p2p_refusals_total",
	"posnet_peers", "posnet_pool_bytes", "posnet_pool_limit", "posnet_pool_records", "posnet_ready", "posnet_records_committed_total",
	"posnet_records_dropped_total", "posnet_round", "posnet_rounds_lost_total", "posnet_snapshots_installed_total",
}

// get fetches a page with a connection of its own.
func get(t *testing.T, method, url string) (status int, kind, body string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Timeout: await.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(text)
}

// metrics are one scrape: values by name and labels, and help by name.
type metrics struct {
	values map[string]float64
	help   map[string]string
}

func scrape(t *testing.T, v *inprocess.Node) metrics {
	t.Helper()
	status, kind, text := get(t, http.MethodGet, "http://"+v.Addresses().Metrics+"/metrics")
	if status != http.StatusOK || !strings.HasPrefix(kind, "text/plain") {
		t.Fatalf("%s: /metrics answers %d with %s", v.Name, status, kind)
	}
	m := metrics{map[string]float64{}, map[string]string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if help, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, sentence, _ := strings.Cut(help, " ")
			m.help[name] = sentence
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		place := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[place+1:], 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", v.Name, line, err)
		}
		m.values[line[:place]] = value
	}
	return m
}

func start(t *testing.T) *inprocess.Network {
	t.Helper()
	d, err := design.Sample("quickstart")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Builder.When = "pool.size >= 1"
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	return inprocess.Start(t, d, 0)
}

func TestMetrics(t *testing.T) {
	n := start(t)
	c := n.Nodes[0].Dial()
	ctx := context.Background()
	const blocks = 5
	for i := range uint64(blocks) {
		if err := c.Merge(ctx, client.Mint(types.KeyedAccount(n.Design.Authority.Public()), 7)); err != nil {
			t.Fatal(err)
		}
		for _, v := range n.Nodes {
			limit, cancel := context.WithTimeout(ctx, await.Patience)
			if err := v.Backend().WaitBlock(limit, i+1); err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			cancel()
		}
	}
	for _, v := range n.Nodes {
		m := scrape(t, v)
		var own []string
		for name, help := range m.help {
			if strings.HasPrefix(name, "posnet_") {
				own = append(own, name)
				if !strings.HasSuffix(help, ".") {
					t.Errorf("%s is explained by %q, which is no sentence", name, help)
				}
			}
		}
		slices.Sort(own)
		if !slices.Equal(own, names) {
			t.Errorf("%s has the metrics\n%s\nand should have\n%s", v.Name, strings.Join(own, " "), strings.Join(names, " "))
		}
		for name, want := range map[string]float64{
			"posnet_height": blocks, "posnet_blocks_committed_total": blocks, "posnet_records_committed_total": blocks,
			"posnet_commit_seconds_count": blocks, "posnet_block_interval_seconds_count": blocks - 1,
			"posnet_peers": 3, "posnet_ready": 1, "posnet_pool_records": 0, "posnet_evidence": 0,
			"posnet_records_dropped_total": 0, "posnet_messages_rejected_total": 0,
			`posnet_p2p_links{link="vote"}`: 3, `posnet_p2p_links{link="bulk"}`: 3,
		} {
			if got, there := m.values[name]; !there || got != want {
				t.Errorf("%s: %s is %v, and should be %v", v.Name, name, got, want)
			}
		}
		for _, name := range []string{
			`posnet_p2p_messages_total{direction="sent",link="vote"}`, `posnet_p2p_bytes_total{direction="received",link="bulk"}`,
			"go_goroutines", "process_resident_memory_bytes", "process_cpu_seconds_total",
		} {
			if m.values[name] <= 0 {
				t.Errorf("%s: %s is %v, and should be more", v.Name, name, m.values[name])
			}
		}
	}
	if got := scrape(t, n.Nodes[0]).values[`posnet_api_requests_total{op="merge",status="202"}`]; got != blocks {
		t.Errorf("%v merges are counted, there were %d", got, blocks)
	}
	if status, _, _ := get(t, http.MethodGet, "http://"+n.Nodes[0].Addresses().Metrics+"/"); status != http.StatusNotFound {
		t.Errorf("the metrics' port has another page: %d", status)
	}
}

func TestPages(t *testing.T) {
	n := start(t)
	base := "http://" + n.Nodes[0].Addresses().API
	check := func(method, path string, status int, kind, body string) {
		t.Helper()
		gotStatus, gotKind, gotBody := get(t, method, base+path)
		if gotStatus != status || gotKind != kind || gotBody != body {
			t.Errorf("%s %s answers %d, %s, %q\nand should answer %d, %s, %q", method, path, gotStatus, gotKind, gotBody, status, kind, body)
		}
	}
	const plain = "text/plain; charset=utf-8"
	check(http.MethodGet, "/healthz", 200, plain, "ok\n")
	check(http.MethodGet, "/readyz", 200, plain, "ready\n")
	check(http.MethodGet, "/version", 200, "application/json", fmt.Sprintf("{\"version\":%q,\"go\":%q,\"api\":1}\n", inprocess.Version, runtime.Version()))
	check(http.MethodGet, "/nothing", 404, "application/json", `{"status":404,"error":"There is no page \"/nothing\": there are /, /healthz, /readyz, /version, and /ws for websockets","response":null}`+"\n")
	check(http.MethodPost, "/healthz", 405, "application/json", `{"status":405,"error":"/healthz takes GET only; operations go over the websocket at /ws","response":null}`+"\n")
	if status, kind, body := get(t, http.MethodGet, base+"/"); status != 200 || kind != "text/html; charset=utf-8" || !strings.Contains(body, "posnet") {
		t.Errorf("/ answers %d, %s, %q", status, kind, body)
	}

	// Without a quorum the chain stands still, and the nodes that are left are
	// as healthy and as ready as before.
	n.Nodes[2].Stop()
	n.Nodes[3].Stop()
	c := n.Nodes[0].Dial()
	await.True(t, "the node has noticed", func() error {
		s, err := c.Status(context.Background())
		if err == nil && (s.Peers != 1 || s.OnlineStake != 57) {
			err = fmt.Errorf("it has %d peers, and %d of the stake is there", s.Peers, s.OnlineStake)
		}
		return err
	})
	check(http.MethodGet, "/healthz", 200, plain, "ok\n")
	check(http.MethodGet, "/readyz", 200, plain, "ready\n")
}

// A node that was away is ready once it has caught up; meanwhile it says why not,
// unless it is behind for a moment only.
func TestReadiness(t *testing.T) {
	n := start(t)
	away := n.Nodes[3]
	away.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	c := n.Nodes[0].Dial()
	for i := range uint64(20) {
		if err := c.Merge(ctx, client.Mint(types.KeyedAccount(n.Design.Authority.Public()), 7)); err != nil {
			t.Fatal(err)
		}
		if err := n.Nodes[0].Backend().WaitBlock(ctx, i+1); err != nil {
			t.Fatal(err)
		}
	}
	away.Start()
	await.True(t, "the node is ready", func() error {
		status, _, text := get(t, http.MethodGet, "http://"+away.Addresses().API+"/readyz")
		head := away.Backend().Head()
		switch {
		case status == http.StatusServiceUnavailable && strings.HasPrefix(text, "the node "):
			return fmt.Errorf("it says %q", text)
		case status != http.StatusOK || text != "ready\n":
			t.Fatalf("/readyz answers %d, %q", status, text)
		case head < 20:
			return fmt.Errorf("it says that it is ready, and is at height %d", head)
		}
		return nil
	})
}
