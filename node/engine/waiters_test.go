package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/types"
)

// Of large blocks fewer are kept at hand, but always the newest.
func TestRecentIsBounded(t *testing.T) {
	r := newRecent(0)
	add := func(height uint64, records int) {
		b := &types.Block{Header: types.Header{Height: height}, Records: make([]*types.Record, records)}
		r.committed(b, &types.Certificate{Height: height, Block: b.Header.Hash()})
	}
	kept := func() (n int) {
		for i := range r.blocks {
			if r.blocks[i].Block != nil {
				n++
			}
		}
		return n
	}
	for height := range uint64(40) {
		add(height+1, 10)
	}
	if n := kept(); n != recentBlocks {
		t.Errorf("%d small blocks are kept", n)
	}
	for height := range uint64(5) {
		add(height+41, recentRecords/2-1)
	}
	if n := kept(); n != 2 {
		t.Errorf("%d large blocks are kept", n)
	}
	add(46, recentRecords+1)
	if _, _, ok := r.block(46); !ok || kept() != 1 {
		t.Errorf("of the largest blocks %d are kept, the newest among them: %v", kept(), ok)
	}
	if records := r.records((&types.Header{Height: 46}).Hash()); len(records) != recentRecords+1 {
		t.Errorf("it has %d records", len(records))
	}
}

func TestWaitBlock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, nil)
		n := w.nodes[0]
		if err := n.WaitBlock(t.Context(), 0); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := n.WaitBlock(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after a minute: %v", err)
		}
		w.grow(1, 0)
		if err := n.WaitBlock(t.Context(), 1); err != nil {
			t.Error(err)
		}
		go func() { time.Sleep(time.Minute); w.stop(0) }()
		if err := n.WaitBlock(t.Context(), 2); !errors.Is(err, errStopping) {
			t.Errorf("of a node that stops: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

// The draws that a node tells of are those its blocks were won by.
func TestDrawsAndWinners(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{40, 30, 20, 10}, nil)
		w.grow(20, 0, 1, 2, 3)
		n := w.nodes[2]
		for height := uint64(1); height <= 20; height++ {
			d, err := n.Draw(t.Context(), height, 10)
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := n.Block(t.Context(), height)
			if err != nil || d.Winner == nil || d.Winner.Key != b.Header.Winner || d.Order[b.Header.Round].Key != b.Header.Winner || string(d.Proof) != string(b.Header.Proof[:]) {
				t.Errorf("height %d: %+v, %v", height, d, err)
			}
		}
		if d, err := n.Draw(t.Context(), 0, 2); err != nil || d.Height != 21 || d.Winner != nil || len(d.Order) != 2 || d.TotalWeight != 100 {
			t.Errorf("the draw under way: %+v, %v", d, err)
		}
		if _, err := n.Draw(t.Context(), 22, 2); err == nil {
			t.Error("the future is known")
		}
		for _, c := range []struct {
			height, first uint64
			limit, want   int
		}{{0, 20, 5, 5}, {20, 20, 1, 1}, {7, 7, 5, 5}, {3, 3, 5, 3}, {1, 1, 1, 1}} {
			winners, err := n.Winners(t.Context(), c.height, c.limit)
			if err != nil || len(winners) != c.want || winners[0].Height != c.first {
				t.Errorf("%d winners up to height %d: %+v, %v", c.limit, c.height, winners, err)
				continue
			}
			if b, _, err := n.Block(t.Context(), c.first); err != nil || winners[0].Hash != b.Header.Hash() {
				t.Errorf("the winner of height %d: %+v, %v", c.first, winners[0], err)
			}
		}
		w.until("all heights are audited", func() bool {
			f, err := n.Fairness(t.Context())
			return err == nil && f.Draws == 20
		})
		v, err := n.Validators(t.Context(), 0)
		won := 0
		for _, row := range v.Validators {
			won += int(row.Won)
		}
		if err != nil || won != 20 || v.TotalStake != 100 {
			t.Errorf("validators: %+v, %v", v, err)
		}
		if old, err := n.Validators(t.Context(), 5); err != nil || old.Height != 5 || old.TotalStake != 100 {
			t.Errorf("the validators of an old height: %+v, %v", old, err)
		}
	})
}

// An audit that cannot go on says so once.
func TestAuditStopsOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{1}, nil)
		n := w.nodes[0]
		n.data.Store = &overlaidStore{Store: n.data.Store, key: heights.InfoKey(2), value: []byte("damaged")}
		w.start(0)
		quiet(time.Second)
		w.grow(5, 0)
		quiet(time.Second)
		if lines := n.log.count("the lottery's audit stops"); lines != 1 {
			t.Errorf("it was said %d times", lines)
		}
		if r := n.audit.report(); r.Draws != 1 {
			t.Errorf("%d draws were audited", r.Draws)
		}
	})
}
