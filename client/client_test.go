package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

func newAccount(seed byte) *client.Account {
	return client.NewAccount(types.NewPrivateKey([32]byte{seed}), network, 0)
}

// What a node shows reads back as what it was, down to the hashes.
func TestBlocksAndProofs(t *testing.T) {
	f := newFake()
	a := newAccount(1)
	mint := client.Mint(a.Address(), 5)
	mint.Time = 1767225600_000000000
	f.commit(a.Transfer(newAccount(2).Address(), 1), a.Transfer(newAccount(3).Address(), 2), mint.Seal())
	f.commit()
	c, ctx := dial(t, f, client.Options{})

	got, err := c.Blocks(ctx, client.BlocksArgs{BlockArgs: client.BlockArgs{IDs: true, Certified: true}})
	if err != nil || len(got.Blocks) != 2 || got.Next != 2 {
		t.Fatalf("%d blocks, next %d: %v", len(got.Blocks), got.Next, err)
	}
	for i, b := range got.Blocks {
		header, err := b.Header.Types()
		if err != nil || header.Hash() != f.blocks[i].Header.Hash() || b.Hash != header.Hash() || b.Certificate.Block != b.Hash {
			t.Errorf("block %d reads back as another: %v", i+1, err)
		}
		var prev types.Hash
		for k, item := range b.Items {
			if want := f.blocks[i].Records[k]; item.Record.ID() != want.ID() || item.Prev != prev {
				t.Errorf("item %d of block %d reads back as another", k, i+1)
			}
			prev = item.Record.ID()
		}
	}
	if b, err := c.Block(ctx, -1, client.BlockArgs{}); err != nil || b.Index != 2 || b.Header != nil {
		t.Errorf("the newest block: %+v, %v", b, err)
	}
	for i, r := range f.blocks[0].Records {
		p, err := c.Proof(ctx, r.ID())
		if err == nil {
			err = p.Check()
		}
		if err != nil || p.Index != uint32(i) || p.Height != 1 {
			t.Errorf("the proof of record %d: %v", i, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := newFake()
	f.merge = func([]*types.Record) error {
		return message.Errorf(message.StatusTooFast, "The pool is full: try again later")
	}
	c, ctx := dial(t, f, client.Options{})
	var refused *client.Error
	if err := c.Merge(ctx, client.Mint(newAccount(1).Address(), 1)); !errors.As(err, &refused) || refused.Status != 429 || refused.Message != "The pool is full: try again later" {
		t.Errorf("merge: %v", err)
	}
	if err := c.Merge(ctx, &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: newAccount(1).Address()}); !errors.As(err, &refused) || refused.Status != 400 || !strings.HasPrefix(refused.Message, "pool[0].amount is 0") {
		t.Errorf("a wrong record: %v", err)
	}
	if _, err := c.Block(ctx, 7, client.BlockArgs{}); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("a block that is not there: %v", err)
	}
	if err := c.Do(ctx, "dance", nil, nil); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("an operation that is not there: %v", err)
	}
	if _, err := client.EncodeMerge(make([]*types.Record, 1<<20)...); !errors.As(err, &refused) || refused.Status != 413 {
		t.Errorf("too many records: %v", err)
	}
	if _, err := c.Status(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Calls from many goroutines share the connection, and each gets its own answer.
func TestConcurrentCalls(t *testing.T) {
	f := newFake()
	f.balance = func(a types.Account) message.Balance { return message.Balance{Account: a, Balance: 1} }
	c, ctx := dial(t, f, client.Options{Window: 8})
	var all sync.WaitGroup
	for i := range 16 {
		account := newAccount(byte(i)).Address()
		all.Go(func() {
			for range 20 {
				if b, err := c.Balance(ctx, account); err != nil || b.Account != account {
					t.Errorf("asked for %s, got %s: %v", account, b.Account, err)
				}
				if err := c.Merge(ctx, client.Mint(account, 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// Frames sent ahead are answered in order, beside calls that wait.
func TestSendMerge(t *testing.T) {
	const n = 500
	f := newFake()
	f.merge = func(records []*types.Record) error {
		if records[0].Amount%7 == 0 {
			return message.Errorf(message.StatusBad, "no %d", records[0].Amount)
		}
		return nil
	}
	c, ctx := dial(t, f, client.Options{Window: 16})
	results := make(chan string, n)
	for i := 1; i <= n; i++ {
		frame, err := client.EncodeMerge(client.Mint(newAccount(1).Address(), uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SendMerge(ctx, frame, func(err error) { results <- fmt.Sprintf("%d %v", i, err) }); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			if _, err := c.Status(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := 1; i <= n; i++ {
		want := fmt.Sprintf("%d <nil>", i)
		if i%7 == 0 {
			want = fmt.Sprintf("%d no %d", i, i)
		}
		if got := <-results; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestSubscribe(t *testing.T) {
	f := newFake()
	f.commit()
	c, ctx := dial(t, f, client.Options{})
	s, err := c.Subscribe(ctx, message.TopicBlocks, message.TopicWinners)
	if err != nil || s.Height != 1 {
		t.Fatalf("from height %d: %v", s.Height, err)
	}
	if _, err := c.Subscribe(ctx, message.TopicPool); err == nil || !strings.Contains(err.Error(), "has a subscription already") {
		t.Errorf("the second subscription: %v", err)
	}
	for range 20 {
		f.commit()
	}
	for height := uint64(2); height <= 21; height++ {
		if b := <-s.News; b.Topic != message.TopicBlocks || b.Block.Index != height {
			t.Fatalf("got %+v, want the block of height %d", b, height)
		}
		if w := <-s.News; w.Topic != message.TopicWinners || w.Winner.Height != height || w.Winner.Validator != "alice" {
			t.Fatalf("got %+v, want the winner of height %d", w, height)
		}
	}
	if left, err := c.Unsubscribe(ctx, message.TopicBlocks); err != nil || len(left) != 1 || left[0] != message.TopicWinners {
		t.Errorf("left are %v: %v", left, err)
	}
	c.Close()
	if _, open := <-s.News; open {
		t.Error("news after the end")
	}
}

func TestWinners(t *testing.T) {
	f := newFake()
	for range 15 {
		f.commit()
	}
	c, ctx := dial(t, f, client.Options{})
	newest, err := c.Winners(ctx, 0)
	if err != nil || len(newest) != message.DefaultWinners || newest[0].Height != 15 {
		t.Errorf("the newest: %+v, %v", newest, err)
	}
	one, err := c.WinnersUpTo(ctx, 12, 1)
	if err != nil || len(one) != 1 || one[0].Height != 12 || one[0].Hash != f.blocks[11].Header.Hash() || one[0].Hash != newest[3].Hash {
		t.Errorf("of height 12: %+v, %v", one, err)
	}
	var refused *client.Error
	if _, err := c.WinnersUpTo(ctx, 16, 1); !errors.As(err, &refused) || refused.Status != message.StatusNotFound {
		t.Errorf("of a height that is not there: %v", err)
	}
}

func TestSubscribeToNothing(t *testing.T) {
	c, ctx := dial(t, newFake(), client.Options{})
	var refused *client.Error
	if _, err := c.Subscribe(ctx, "weather"); !errors.As(err, &refused) || refused.Status != 400 {
		t.Errorf("got %v", err)
	}
	if _, err := c.Subscribe(ctx, message.TopicPool); err != nil {
		t.Errorf("a subscription after one that was refused: %v", err)
	}
}

// News that is not read ends the connection rather than being lost in silence.
func TestNewsNotRead(t *testing.T) {
	f := newFake()
	c, ctx := dial(t, f, client.Options{News: 3})
	s, err := c.Subscribe(ctx, message.TopicWinners)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		f.commit()
	}
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "3 events wait to be read") {
		t.Errorf("got %v", err)
	}
	n := 0
	for range s.News {
		n++
	}
	if n != 3 {
		t.Errorf("%d events, want the 3 that fitted", n)
	}
}

func TestNodeStops(t *testing.T) {
	f := newFake()
	began, gate := make(chan struct{}), make(chan struct{})
	f.merge = func([]*types.Record) error {
		close(began)
		<-gate
		return nil
	}
	address, stop := start(t, f)
	c, err := client.Dial(context.Background(), address, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	failed := make(chan error, 1)
	go func() { failed <- c.Merge(context.Background(), client.Mint(newAccount(1).Address(), 1)) }()
	<-began
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	if err := <-failed; err == nil || err.Error() != "the node closed the connection: the node stops" {
		t.Errorf("the call under way: %v", err)
	}
	if _, err := c.Status(context.Background()); err == nil || err.Error() != "the node closed the connection: the node stops" {
		t.Errorf("a later call: %v", err)
	}
	close(gate)
	<-stopped
}

func TestContexts(t *testing.T) {
	f := newFake()
	gate := make(chan struct{})
	f.merge = func([]*types.Record) error { <-gate; return nil }
	c, _ := dial(t, f, client.Options{Window: 1})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := c.Merge(ctx, client.Mint(newAccount(1).Address(), 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for an answer: %v", err)
	}
	if err := c.Merge(ctx, client.Mint(newAccount(1).Address(), 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a place: %v", err)
	}
	close(gate)
	if _, err := c.Status(context.Background()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestClose(t *testing.T) {
	c, ctx := dial(t, newFake(), client.Options{})
	c.Close()
	c.Close()
	if _, err := c.Status(ctx); !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Subscribe(ctx, message.TopicPool); !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestDialFails(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":503,"error":"There are 9 connections already","response":null}`)
	}))
	defer full.Close()
	mute := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":503}`)
	}))
	defer mute.Close()
	for url, want := range map[string]string{
		strings.TrimPrefix(mute.URL, "http://"):  "the node refuses with status 503 and does not say why",
		"127.0.0.1:1":                            "connect to ws://127.0.0.1:1/ws: ",
		strings.TrimPrefix(plain.URL, "http://"): "bad handshake",
		strings.TrimPrefix(full.URL, "http://"):  "There are 9 connections already",
		"gopher://127.0.0.1:1":                   "connect to gopher://127.0.0.1:1: ",
	} {
		c, err := client.Dial(context.Background(), url, client.Options{})
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
	}
}

// A server that talks nonsense ends the connection; it never hangs a call.
func TestNonsense(t *testing.T) {
	for _, answer := range []string{
		`nonsense`, `[]`, `{"status":200,"error":"OK","response":{},"id":99}`, `{"status":200,"error":"OK","response":{},"id":"x"}`,
		`{"status":200,"error":"OK","response":{}}`, `{"status":202,"error":"Accepted"}`, `{"topic":"blocks","block":7}`,
	} {
		upgrader := websocket.Upgrader{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer ws.Close()
			if _, _, err := ws.ReadMessage(); err == nil && ws.WriteMessage(websocket.TextMessage, []byte(answer)) == nil {
				_, _, _ = ws.ReadMessage() // until the client goes
			}
		}))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		c, err := client.Dial(ctx, strings.TrimPrefix(server.URL, "http://"), client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", answer, err)
		}
		c.Close()
		cancel()
		server.Close()
	}
}

func TestAccount(t *testing.T) {
	key := types.NewPrivateKey([32]byte{7})
	f := newFake()
	f.balance = func(a types.Account) message.Balance {
		return message.Balance{Account: a, Nonce: 3, PendingNonce: 5}
	}
	c, ctx := dial(t, f, client.Options{})
	a := client.NewAccount(key, network, 0)
	if err := a.Sync(ctx, c); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var records []*types.Record
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r := a.Transfer(types.KeyedAccount(types.PublicKey{9}), 4)
			mu.Lock()
			defer mu.Unlock()
			records = append(records, r)
		})
	}
	all.Wait()
	nonces := map[uint64]bool{}
	_, errs := types.RecordVerifier{Network: network}.Verify(records)
	for i, r := range records {
		nonces[r.Nonce] = true
		if errs[i] != nil || r.Nonce < 5 || r.Nonce > 12 || r.Sender != a.Address() || r.CheckForm() != nil {
			t.Errorf("%+v: %v", r, errs[i])
		}
	}
	if len(nonces) != 8 {
		t.Errorf("8 records have %d nonces", len(nonces))
	}
}
