package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// blockOf makes a block of some records of a workload, as (lane, k).
func blockOf(t *testing.T, w *workload, height uint64, places ...[2]int) (*types.Block, []byte) {
	t.Helper()
	b := &types.Block{Header: types.Header{Height: height, Round: 3}}
	for _, p := range places {
		r := &types.Record{}
		if err := r.UnmarshalJSON(w.lanes[p[0]].record(p[1])); err != nil {
			t.Fatal(err)
		}
		b.Records = append(b.Records, r)
	}
	shown := message.NewBlock(b, nil, "node-0", message.BlockOptions{})
	frame, err := json.Marshal(message.Event{Topic: message.TopicBlocks, Block: &shown})
	if err != nil {
		t.Fatal(err)
	}
	return b, frame
}

func TestScanFindsWhatTheNodeWrites(t *testing.T) {
	w := someWorkload(t, 600)
	want := [][2]int{{0, 0}, {3, 1}, {1, 599}, {2, 250}}
	b, frame := blockOf(t, w, 4711, want...)
	var got [][2]int
	n, err := scanBlock(frame, func(sender []byte, nonce uint64) error {
		account, ok := w.accounts.find(sender)
		if !ok {
			return fmt.Errorf("unknown sender %s", sender)
		}
		lane, k := w.accounts.place(account, nonce)
		got = append(got, [2]int{lane, k})
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("records %v, error %v, want %v", got, err, want)
	}
	if n.height != 4711 || n.round != 3 || n.hash != b.Header.Hash().String() {
		t.Errorf("news %+v", n)
	}
}

func TestScanRefusesWhatIsNoBlock(t *testing.T) {
	_, frame := blockOf(t, someWorkload(t, 1), 1, [2]int{0, 0})
	for name, bad := range map[string]string{
		"an answer":          `{"status":200,"error":"OK","response":null}`,
		"another topic":      `{"topic":"pool","pool":{"records":1,"bytes":2}}`,
		"no items":           `{"topic":"blocks","block":{"index":1}}`,
		"no index":           `{"topic":"blocks","block":{"hash":"aa","round":0,"items":[]}}`,
		"no hash":            `{"topic":"blocks","block":{"index":1,"round":0,"items":[]}}`,
		"a half-sent record": string(frame[:len(frame)-400]),
	} {
		if n, err := scanBlock([]byte(bad), func([]byte, uint64) error { return nil }); err == nil {
			t.Errorf("%s: no error, news %+v", name, n)
		}
	}
}

func BenchmarkScanRecord(b *testing.B) {
	w := newWorkload(mustAccounts(b), &posnet{})
	if err := w.grow(1000); err != nil {
		b.Fatal(err)
	}
	var block types.Block
	for k := range 1000 {
		r := &types.Record{}
		if err := r.UnmarshalJSON(w.lanes[0].record(k)); err != nil {
			b.Fatal(err)
		}
		block.Records = append(block.Records, r)
	}
	shown := message.NewBlock(&block, nil, "", message.BlockOptions{})
	frame, err := json.Marshal(message.Event{Topic: message.TopicBlocks, Block: &shown})
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < b.N; i += 1000 {
		if _, err := scanBlock(frame, func(sender []byte, _ uint64) error {
			_, ok := w.accounts.find(sender)
			if !ok {
				b.Fatal("unknown sender")
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}
