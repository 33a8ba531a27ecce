package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// transfer signs a transfer of a keyed account.
func (w *network) transfer(from string, to types.Account, amount, nonce uint64) *types.Record {
	r := &types.Record{
		Type: types.Transfer, Sender: types.KeyedAccount(seed(from).Public()), Receiver: to, Amount: amount,
		Nonce: nonce, Time: types.TimeOf(time.Now()),
	}
	return r.Sign(w.genesis.Network(), seed(from))
}

func openTransfer(from, to types.Account, amount uint64) *types.Record {
	return &types.Record{Type: types.Transfer, Sender: from, Receiver: to, Amount: amount}
}

// A merge takes all of its records or none, and says which is wrong and how.
func TestMergeAllOrNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, when("pool.size >= 100"))
		n := w.nodes[0]
		to := open(t, 1)
		forged := w.transfer("alice", to, 1, 1)
		forged.Signature[3]++
		forged.Seal()
		spent := w.transfer("bob", to, 1, 0)
		for _, c := range []struct {
			name   string
			bad    func() *types.Record
			status int
			want   string
		}{
			{"a wrong signature", func() *types.Record { return forged }, 0, "pool[2].signature"},
			{"a nonce far ahead", func() *types.Record { return w.transfer("carol", to, 1, 1<<40) }, 0, "pool[2].nonce"},
			{"a nonce that waits", func() *types.Record { return w.transfer("bob", to, 2, 0) }, 0, "pool[2].nonce"},
			{"too large a mint", func() *types.Record { return openTransfer(types.Genesis, to, 1_000_001) }, message.StatusForbidden, "pool[2].amount"},
			{"a validator's entry", func() *types.Record {
				r := &types.Record{Type: types.Entry, Validator: n.key(), Amount: 1, BPM: 1, Session: seed("x").Public()}
				return r.Sign(w.genesis.Network(), seed("x"))
			}, message.StatusForbidden, "pool[2].type"},
			{"an unsigned stake", func() *types.Record {
				return (&types.Record{Type: types.StakeChange, Name: "v9", Validator: seed("v9").Public(), VRFKey: seed("vrf9").Public(), Stake: 1}).Seal()
			}, 0, "pool[2]"},
		} {
			if c.name == "a nonce that waits" {
				if err := n.Merge(t.Context(), []*types.Record{spent}); err != nil {
					t.Fatal(err)
				}
			}
			before := n.PoolSize()
			err := n.Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, to, 1), w.transfer("alice", to, 1, 0), c.bad(), openTransfer(types.Genesis, to, 1)})
			var wrong *rpc.RecordError
			if !errors.As(err, &wrong) || wrong.Index != 2 || wrong.Status != c.status || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v (%+v)", c.name, err, wrong)
			}
			if now := n.PoolSize(); now != before {
				t.Errorf("%s: the pool went from %v to %v", c.name, before, now)
			}
		}
	})
}

// Who sends a record again, not knowing whether it arrived, is not told off.
func TestRecordsSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, when("pool.size >= 2"))
		n := w.nodes[0]
		w.mint(0, types.KeyedAccount(seed("alice").Public()), 10)
		first := w.transfer("alice", open(t, 1), 1, 0)
		for range 2 {
			if err := n.Merge(t.Context(), []*types.Record{first, first}); err != nil {
				t.Errorf("in the pool: %v", err)
			}
			w.settle(0, 1, 2, 3)
		}
		for _, i := range []int{0, 3} {
			if err := w.nodes[i].Merge(t.Context(), []*types.Record{first}); err != nil {
				t.Errorf("in a block: %v", err)
			}
			if r, err := w.nodes[i].Record(t.Context(), first.ID()); err != nil || r.State != message.Committed || r.Height != 1 || r.Index != 1 {
				t.Errorf("its fate: %+v, %v", r, err)
			}
		}
		if b, _ := n.Balance(t.Context(), open(t, 1)); b.Balance != 1 {
			t.Errorf("it was paid %d times", b.Balance)
		}
	})
}

// What cannot be paid for is dropped and logged, and its sender can ask why.
func TestUnpayableRecordIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, when("pool.size >= 2"))
		n := w.nodes[0]
		poor := openTransfer(open(t, 8), open(t, 1), 5)
		if err := n.Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1), poor}); err != nil {
			t.Fatal(err)
		}
		w.await(1, 0)
		r, err := n.Record(t.Context(), poor.ID())
		if err != nil || r.State != message.Dropped || !strings.Contains(r.Reason, "amount is 5") {
			t.Errorf("its fate: %+v, %v", r, err)
		}
		if lines := n.log.count("a record is dropped"); lines != 1 || testutil.ToFloat64(n.metrics.dropped) != 1 {
			t.Errorf("%d lines, metric %v", lines, testutil.ToFloat64(n.metrics.dropped))
		}
		if _, err := n.Record(t.Context(), types.Hash{1}); err == nil {
			t.Error("an unknown record has a fate")
		}
		for range 1000 {
			if err := n.Merge(t.Context(), []*types.Record{openTransfer(open(t, 8), open(t, 1), 5)}); err != nil {
				t.Fatal(err)
			}
		}
		quiet(time.Second)
		if lines := n.log.count("a record is dropped"); lines > 2*complaintBurst {
			t.Errorf("a client wrote %d lines into the log", lines)
		}
	})
}

// A record that came again in the moment of its commit is not dropped: it is in
// the block.
func TestCommittedRecordIsNotDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, nil)
		n := w.nodes[0]
		id := w.mint(0, open(t, 1), 1)
		w.await(1, 0)
		b, _, err := n.Block(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.pool.Add(types.VouchRecord(b.Records[0]), b.Header.Time); err != nil {
			t.Fatal(err)
		}
		w.settle(0)
		quiet(time.Second)
		if r, err := n.Record(t.Context(), id); err != nil || r.State != message.Committed {
			t.Errorf("its fate: %+v, %v", r, err)
		}
		if _, dropped := n.fates.Dropped(id); dropped || n.log.count("a record is dropped") != 0 {
			t.Error("it was dropped")
		}
	})
}

// What waits in the pool reaches a peer whose link was down.
func TestPoolIsToldToNewPeers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, when(never))
		w.partition([]int{3}, []int{0, 1, 2}, true)
		records := make([]*types.Record, 2*maxGossipRecords+7)
		for i := range records {
			records[i] = openTransfer(types.Genesis, open(t, 1), 1)
		}
		if err := w.nodes[0].Merge(t.Context(), records); err != nil {
			t.Fatal(err)
		}
		quiet(time.Second)
		if n := w.nodes[3].PoolSize().Records; n != 0 {
			t.Fatalf("%d records crossed a cut", n)
		}
		w.cut(0, 3, false)
		w.until("the pool is told", func() bool { return w.nodes[3].PoolSize().Records == len(records) })
	})
}

// A peer whose gossip has a wrong signature is not heard for a while; nobody
// hears of the record.
func TestGossipWithWrongSignature(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, when(never))
		w.stop(3)
		s := &script{}
		w.play(3, s)
		n := w.nodes[0]
		forged := w.transfer("alice", open(t, 1), 1, 0)
		forged.Signature[3]++
		forged.Seal()
		tell := func(r *types.Record) {
			s.send(n.key(), p2p.KindRecords, types.EncodeRecords([]*types.Record{r}))
			quiet(10 * latency)
		}
		tell(w.transfer("alice", open(t, 1), 1, 0))
		tell(forged)
		tell(w.transfer("bob", open(t, 1), 1, 0))
		if size := n.PoolSize().Records; size != 1 {
			t.Errorf("%d records were taken", size)
		}
		quiet(muteTime)
		tell(w.transfer("bob", open(t, 1), 1, 0))
		if size := n.PoolSize().Records; size != 2 {
			t.Errorf("later %d records were taken", size)
		}
		if lines := len(n.log.lines); lines != 1 {
			t.Errorf("%d lines were logged", lines)
		}
	})
}

// Rubbish on the links costs its sender's messages, and few lines of the log.
func TestRubbishDoesNotFloodTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.stop(3)
		s := &script{}
		w.play(3, s)
		kinds := []p2p.Kind{
			p2p.KindProposal, p2p.KindVote, p2p.KindCandidate, p2p.KindPass, p2p.KindSummary, p2p.KindRecords, p2p.KindRecordsWanted,
			p2p.KindRecordsFound, p2p.KindBlocksWanted, p2p.KindBlocksFound, p2p.KindStatus,
		}
		for range 100 {
			for _, kind := range kinds {
				s.send(w.nodes[0].key(), kind, []byte("rubbish"))
			}
			far := types.Vote{Kind: types.Prevote, Height: 1, Validator: s.node.key()} // not signed
			s.send(w.nodes[0].key(), p2p.KindVote, far.Encode())
			s.send(w.nodes[0].key(), p2p.KindStatus, (&peerStatus{Height: maxHeight + 1}).encode())
		}
		w.grow(3, 0, 1, 2)
		if lines := w.nodes[0].log.count("a message is not sound"); lines == 0 || lines > complaintBurst {
			t.Errorf("%d lines were logged", lines)
		}
		if n := testutil.ToFloat64(w.nodes[0].metrics.rejected); n != 1300 {
			t.Errorf("%v messages were counted", n)
		}
		quiet(complaintInterval)
		s.send(w.nodes[0].key(), p2p.KindVote, []byte("rubbish"))
		quiet(10 * latency)
		if last := w.nodes[0].log.last(); last["leftOut"] != int64(1300-complaintBurst) {
			t.Errorf("the next line says %v", last)
		}
	})
}

// A peer tells of so many records at once, and no more.
func TestGossipIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, when(never))
		w.stop(3)
		s := &script{}
		w.play(3, s)
		for _, count := range []int{maxGossipRecords + 1, maxGossipRecords} {
			records := make([]*types.Record, count)
			for i := range records {
				records[i] = openTransfer(types.Genesis, open(t, i), 1)
				records[i].Time = types.Time(i + 1)
				records[i].Seal()
			}
			s.send(w.nodes[0].key(), p2p.KindRecords, types.EncodeRecords(records))
			quiet(10 * latency)
			if size, want := w.nodes[0].PoolSize().Records, count%(maxGossipRecords+1); size != want {
				t.Errorf("of %d records %d were taken", count, size)
			}
		}
	})
}

// A client of a node that is known to be behind is sent elsewhere.
func TestMergeWhileBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(20, 0, 1, 2, 3)
		w.stop(3)
		w.loseDisk(3)
		for _, n := range w.nodes[:3] {
			n.links.losing(losing([]p2p.Kind{p2p.KindBlocksFound}, 3))
		}
		w.start(3)
		quiet(lagPatience + 2*time.Second)
		err := w.nodes[3].Merge(t.Context(), []*types.Record{openTransfer(types.Genesis, open(t, 1), 1)})
		var status *message.Error
		if !errors.As(err, &status) || status.Status != message.StatusNotReady {
			t.Errorf("%v", err)
		}
		for _, n := range w.nodes[:3] {
			n.links.losing(nil)
		}
		w.await(20, 3)
		w.mint(3, open(t, 1), 1)
	})
}
