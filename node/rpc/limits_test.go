package rpc_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

const mint = `{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":%d}]},"id":%d}`

// Merges of one connection reach the node together, are answered in order
// whichever is done first, and what comes behind them sees them done.
func TestPipelining(t *testing.T) {
	const n = 20
	f := newFake()
	arrived, last := make(chan uint64, n), make(chan struct{})
	f.merging = func(records []*types.Record) error {
		arrived <- records[0].Amount
		if records[0].Amount == n {
			close(last)
			return message.Errorf(message.StatusTooFast, "the last")
		}
		<-last // nobody is done before all are there
		return nil
	}
	s := connect(t, serve(t, f, rpc.Options{}))
	for i := 1; i <= n; i++ {
		s.send(fmt.Sprintf(mint, i, i))
	}
	s.send(`{"op":"blocks","args":{"limit":1000},"id":"blocks"}`)
	for i := 1; i < n; i++ {
		if got, want := s.receive(), fmt.Sprintf(`{"status":202,"error":"Accepted","id":%d}`, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got, want := s.receive(), `{"status":429,"error":"the last","response":null,"id":20}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var answer struct {
		Response message.Blocks
		ID       string
	}
	if err := json.Unmarshal([]byte(s.receive()), &answer); err != nil || answer.ID != "blocks" || len(answer.Response.Blocks) != (n-1)/3 {
		t.Errorf("got %d blocks for id %s: %v", len(answer.Response.Blocks), answer.ID, err)
	}
}

// The window bounds what is under way; the rest waits in the socket.
func TestMergeWindow(t *testing.T) {
	f := newFake()
	arrived, gate := make(chan struct{}, 100), make(chan struct{})
	f.merging = func([]*types.Record) error {
		arrived <- struct{}{}
		<-gate
		return nil
	}
	s := connect(t, serve(t, f, rpc.Options{MergeWindow: 4}))
	for i := range 10 {
		s.send(fmt.Sprintf(mint, 1, i))
	}
	for range 4 {
		<-arrived
	}
	select {
	case <-arrived:
		t.Error("more merges are under way than the window allows")
	case <-time.After(50 * time.Millisecond): // that long nothing must happen
	}
	close(gate)
	for i := range 10 {
		if got, want := s.receive(), fmt.Sprintf(`{"status":202,"error":"Accepted","id":%d}`, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTooFast(t *testing.T) {
	s := connect(t, serve(t, newFake(), rpc.Options{QueriesPerSecond: 1}))
	for i := range 6 {
		s.send(fmt.Sprintf(`{"op":"pool","id":%d}`, i))
	}
	refused := 0
	for i := range 6 {
		switch got := s.receive(); {
		case strings.HasPrefix(got, `{"status":429,"error":"Too many requests: one connection may make 1 a second beside merges`) && strings.HasSuffix(got, fmt.Sprintf(`"id":%d}`, i)):
			refused++
		case got != fmt.Sprintf(`{"status":200,"error":"OK","response":{"pool":[]},"id":%d}`, i):
			t.Errorf("got %s", got)
		}
	}
	if refused < 3 {
		t.Errorf("%d of 6 requests were refused", refused)
	}
}

func TestTooManyConnections(t *testing.T) {
	address := serve(t, newFake(), rpc.Options{MaxConnections: 1})
	first := connect(t, address)
	first.ask(`{"op":"pool"}`)
	_, response, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the second connection: %v, %v", err, response)
	}
	body, err := io.ReadAll(response.Body)
	if want := `{"status":503,"error":"There are 1 connections already, as many as this node takes: close some, or ask another node","response":null}` + "\n"; err != nil || string(body) != want {
		t.Errorf("the second connection is told %s", body)
	}
	first.Close()
	eventually(t, "a place is free", func() bool {
		ws, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
		if err == nil {
			ws.Close()
		}
		return err == nil
	})
}

// gather returns a metric's value, summed over its labels but for those named.
func gather(t *testing.T, r prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			text := fmt.Sprint(m.GetLabel())
			matches := family.GetName() == name
			for _, l := range labels {
				matches = matches && strings.Contains(text, `value:"`+l+`"`)
			}
			if matches {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// Somebody who asks and never reads is dropped.
func TestSlowReaderOfAnswers(t *testing.T) {
	f := newFake()
	for range 20 {
		f.fill(20)
	}
	metrics := prometheus.NewRegistry()
	address := serve(t, f, rpc.Options{WriteTimeout: 50 * time.Millisecond, Registerer: metrics})
	s := connect(t, address)
	go func() {
		for s.WriteMessage(websocket.TextMessage, []byte(`{"op":"blocks","args":{"limit":1000}}`)) == nil {
		}
	}()
	eventually(t, "the connection is counted", func() bool { return gather(t, metrics, "posnet_api_requests_total") > 0 })
	eventually(t, "the slow reader is dropped", func() bool { return gather(t, metrics, "posnet_api_connections") == 0 })
	if n := gather(t, metrics, "posnet_api_slow_readers_total"); n != 1 {
		t.Errorf("%v slow readers are counted", n)
	}
	s.Close()
	connect(t, address).ask(`{"op":"status"}`)
}

// A subscriber that does not read is dropped, and others notice nothing.
func TestSlowSubscriber(t *testing.T) {
	f := newFake()
	metrics := prometheus.NewRegistry()
	address := serve(t, f, rpc.Options{Registerer: metrics})
	slow, other := connect(t, address), connect(t, address)
	subscribe := `{"op":"subscribe","args":{"topics":["blocks"]}}`
	slow.ask(subscribe)
	other.ask(subscribe)
	eventually(t, "the slow subscriber is dropped", func() bool {
		for range 20 {
			f.fill(300)
			if got := other.receive(); !strings.HasPrefix(got, `{"topic":"blocks","block":{"index":`) {
				t.Fatalf("got %.100s", got)
			}
		}
		return gather(t, metrics, "posnet_api_slow_readers_total") == 1
	})
	eventually(t, "its connection is gone", func() bool { return gather(t, metrics, "posnet_api_connections") == 1 })
}

// fill commits a block of n records.
func (f *fake) fill(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range n {
		r := &types.Record{Type: types.Transfer, Time: f.tick(), Sender: types.Genesis, Receiver: types.KeyedAccount(f.key.Public()), Amount: uint64(i + 1)}
		f.pool = append(f.pool, r.Seal())
	}
	f.commit()
}

func TestSilentConnection(t *testing.T) {
	address := serve(t, newFake(), rpc.Options{PingInterval: 5 * time.Millisecond, SilenceTimeout: 80 * time.Millisecond})

	// One that answers pings stays, though it says nothing else.
	alive := connect(t, address)
	pings, enough := 0, make(chan struct{})
	answer := alive.PingHandler()
	alive.SetPingHandler(func(data string) error {
		if pings++; pings == 60 { // more than three times the silence that is allowed
			close(enough)
		}
		return answer(data)
	})
	got := make(chan string, 1)
	go func() {
		_, text, err := alive.ReadMessage()
		got <- fmt.Sprint(string(text), err)
	}()

	// One that answers nothing is dropped, and so is one that stops in a frame.
	silent := connect(t, address)
	silent.SetPingHandler(func(string) error { return nil })
	if code, reason := silent.closed(); code == websocket.CloseNormalClosure {
		t.Errorf("closed with %d, %s", code, reason)
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Fatal("the server does not ping")
	}
	alive.send(`{"op":"pool"}`)
	if text := <-got; text != `{"status":200,"error":"OK","response":{"pool":[]}}<nil>` {
		t.Errorf("the one that answers pings: %s", text)
	}
}

func TestFrameThatStops(t *testing.T) {
	address := serve(t, newFake(), rpc.Options{PingInterval: 5 * time.Millisecond, FrameTimeout: 50 * time.Millisecond})
	s := connect(t, address)
	header := append([]byte{0x81, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, 1<<20)...)
	if _, err := s.NetConn().Write(append(append(header, 0, 0, 0, 0), make([]byte, 100<<10)...)); err != nil {
		t.Fatal(err)
	}
	s.closed() // fails the test if it stays open
}

// A server that stops tells everybody, and waits for nobody: neither for a
// merge, nor for a connection that has not asked for anything.
func TestStop(t *testing.T) {
	f := newFake()
	began := make(chan struct{})
	f.merging = func([]*types.Record) error {
		close(began)
		<-t.Context().Done()
		return t.Context().Err()
	}
	address, stop := start(t, f, rpc.Options{})
	busy, idle := connect(t, address), connect(t, address)
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	idle.ask(`{"op":"subscribe","args":{"topics":["blocks","pool"]}}`)
	busy.send(fmt.Sprintf(mint, 1, 1))
	<-began
	go stop()
	for name, s := range map[string]socket{"busy": busy, "idle": idle} {
		if code, reason := s.closed(); code != websocket.CloseGoingAway || reason != "the node stops" {
			t.Errorf("%s: closed with %d, %q", name, code, reason)
		}
	}
	eventually(t, "nobody listens any more", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

func TestMetrics(t *testing.T) {
	metrics := prometheus.NewRegistry()
	s := connect(t, serve(t, newFake(), rpc.Options{Registerer: metrics}))
	s.ask(fmt.Sprintf(mint, 1, 1))
	s.ask(`{"op":"merge"}`)
	s.ask(`{"op":"pool"}`)
	s.ask(`{"op":"dance"}`)
	s.ask(`nothing`)
	for _, test := range []struct {
		want   float64
		labels []string
	}{{1, []string{"merge", "202"}}, {1, []string{"merge", "500"}}, {1, []string{"pool", "200"}}, {1, []string{"unknown", "404"}}, {1, []string{"unknown", "400"}}} {
		if got := gather(t, metrics, "posnet_api_requests_total", test.labels...); got != test.want {
			t.Errorf("%v: counted %v, want %v", test.labels, got, test.want)
		}
	}
	if got := gather(t, metrics, "posnet_api_request_seconds", "merge"); got != 2 {
		t.Errorf("%v merges timed, want 2", got)
	}
	if got := gather(t, metrics, "posnet_api_connections"); got != 1 {
		t.Errorf("%v connections", got)
	}
}

// A node with too much to do refuses a merge without a look at its records, and
// does everything else.
func TestBusy(t *testing.T) {
	f := newFake()
	f.busy = message.Errorf(message.StatusTooFast, "too much waits")
	s := connect(t, serve(t, f, rpc.Options{}))
	want := `{"status":429,"error":"too much waits","response":null,"id":1}`
	for _, request := range []string{fmt.Sprintf(mint, 5, 1), `{"op":"merge","args":{"pool":[{"no":"record"}]},"id":1}`} {
		if got := s.ask(request); got != want {
			t.Errorf("%s: got %s", request, got)
		}
	}
	if got := s.ask(`{"op":"pool"}`); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
		t.Errorf("got %s", got)
	}
}
