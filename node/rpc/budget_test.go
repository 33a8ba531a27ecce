package rpc

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// emptyPool is a node that knows of nothing but its empty pool.
type emptyPool struct{ Backend }

func (emptyPool) Pool(context.Context, int) ([]*types.Record, int, error) { return nil, 0, nil }
func (emptyPool) PoolSize() message.PoolSize                              { return message.PoolSize{} }

// When what all connections share is used up, a request is refused after a
// while, and served again once there is room.
func TestBudgets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(emptyPool{}, Options{BusyTimeout: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+l.Addr().String()+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	ask := func(frame string) string {
		t.Helper()
		if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		_, text, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const pool = `{"op":"pool"}`
	large := strings.Repeat(" ", 2*smallFrame) + pool
	for name, test := range map[string]struct {
		budget interface {
			Acquire(context.Context, int64) error
			Release(int64)
		}
		size  int64
		frame string
		want  string
	}{
		"queries":      {s.queries, maxQueries, pool, "The node is busy with other requests"},
		"answers":      {s.answers, answersBudget, pool, "The node has too many answers waiting for slow readers"},
		"large frames": {s.largeFrames, framesBudget / message.MaxFrameBytes, large, "The node is busy with other large frames"},
	} {
		if err := test.budget.Acquire(ctx, test.size); err != nil {
			t.Fatal(err)
		}
		if got := ask(test.frame); !strings.HasPrefix(got, `{"status":503,"error":"`+test.want) {
			t.Errorf("%s used up: got %s", name, got)
		}
		test.budget.Release(test.size)
		if got := ask(test.frame); got != `{"status":200,"error":"OK","response":{"pool":[]}}` {
			t.Errorf("%s free again: got %s", name, got)
		}
	}
	if !s.answers.TryAcquire(answersBudget) || !s.frames.TryAcquire(framesBudget) {
		t.Error("a share was not given back")
	}
}
