package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// oneMaker is a network in which node 0 makes every block.
func oneMaker(t *testing.T) *network {
	t.Helper()
	return newNetwork(t, []uint64{25, 25, 25, 25}, func(_ *genesis.Genesis, configs []*config.Config) {
		for _, c := range configs[1:] {
			c.Builder.When = never
		}
	})
}

// losing loses messages of some kinds, to some nodes (all, if none is named).
func losing(kinds []p2p.Kind, nodes ...int) func(*testNode, p2p.Kind, []byte) bool {
	return func(to *testNode, kind p2p.Kind, _ []byte) bool {
		hit := len(nodes) == 0
		for _, i := range nodes {
			hit = hit || to.index == i
		}
		for _, k := range kinds {
			if hit && k == kind {
				return true
			}
		}
		return false
	}
}

// What gossip lost is asked for when a proposal names it: of its proposer, and
// of others if that is silent.
func TestMissingRecordsAreAskedFor(t *testing.T) {
	for name, lost := range map[string]func(*testNode, p2p.Kind, []byte) bool{
		"of the proposer": losing([]p2p.Kind{p2p.KindRecords}),
		"of another": func(to *testNode, kind p2p.Kind, _ []byte) bool {
			return to.index > 1 && (kind == p2p.KindRecords || kind == p2p.KindRecordsFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := oneMaker(t)
				w.nodes[0].links.losing(lost)
				began := time.Now()
				w.mint(0, open(t, 1), 7)
				w.await(1, 0, 1, 2, 3)
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				for _, n := range w.nodes {
					if b, _ := n.Balance(t.Context(), open(t, 1)); b.Balance != 7 {
						t.Errorf("%s: balance %d: 7 were minted", n.config.Name, b.Balance)
					}
				}
			})
		})
	}
}

// Records that nobody gives cost a round, not the chain: what others have in
// their pools goes into blocks meanwhile.
func TestRecordsNobodyGives(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.nodes[0].links.losing(losing([]p2p.Kind{p2p.KindRecords, p2p.KindRecordsFound}))
		w.mint(0, open(t, 1), 1)
		w.mint(1, open(t, 2), 1)
		w.until("the others' record is in a block", func() bool {
			b, _ := w.nodes[3].Balance(t.Context(), open(t, 2))
			return b.Balance == 1
		})
		if asked := w.nodes[1].links.count(p2p.KindRecordsWanted); asked > 3*maxFillTries {
			t.Errorf("one node asked %d times", asked)
		}
		w.nodes[0].links.losing(nil)
		w.until("the record is in a block", func() bool {
			b, _ := w.nodes[3].Balance(t.Context(), open(t, 1))
			return b.Balance == 1
		})
	})
}

// A validator that could not get the records of a locked block for a long time
// asks again: the others wait for it.
func TestLockedBlockIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		precommit := func(kind p2p.Kind, payload []byte) bool {
			vote, err := types.DecodeVote(payload)
			return kind == p2p.KindVote && err == nil && vote.Kind == types.Precommit
		}
		noRecords := losing([]p2p.Kind{p2p.KindRecords, p2p.KindRecordsFound}, 3)
		for _, n := range w.nodes[:3] {
			n.links.losing(func(to *testNode, kind p2p.Kind, payload []byte) bool {
				return precommit(kind, payload) || noRecords(to, kind, payload)
			})
		}
		w.mint(0, open(t, 1), 1)
		locked := func(i int) bool { return !w.nodes[i].view.Load().Locked.IsZero() }
		w.until("three lock a block", func() bool { return locked(0) && locked(1) && locked(2) })
		w.stop(2)
		for _, n := range w.nodes[:2] {
			n.links.losing(noRecords)
		}
		quiet(time.Minute)
		if head := w.nodes[0].Head(); head != 0 {
			t.Fatalf("two of four decided block %d", head)
		}
		for _, n := range w.nodes[:2] {
			n.links.losing(nil)
		}
		w.await(1, 0, 1, 3)
	})
}

// Of an answer only what is missing is used, and only if its signature is right.
func TestFilledWithOtherThings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{25, 25, 25, 25}, nil)
		n := w.nodes[3]
		if err := n.make(); err != nil {
			t.Fatal(err)
		}
		defer func() { n.cancel(); n.Engine = nil }()
		signed := func(text string) *types.Record {
			r := &types.Record{Type: types.Reading, Sender: types.KeyedAccount(seed(text).Public()), BPM: 70}
			return r.Sign(w.genesis.Network(), seed(text))
		}
		good, other, alsoGood := signed("good"), signed("other"), signed("also good")
		bad := signed("bad")
		bad.Signature[5]++
		bad.Seal()
		p := &types.Proposal{RecordIDs: []types.Hash{good.ID(), bad.ID(), alsoGood.ID()}}
		pending := n.fills.open(p, p.RecordIDs)
		n.fills.expect(pending, w.nodes[0].key())
		answer := encodeFound(p.Block(), []*types.Record{other, good, good, bad, alsoGood})
		if err := n.receiveFound(w.nodes[1].key(), answer); err == nil {
			t.Error("an answer of somebody who was not asked is taken")
		}
		if err := n.receiveFound(w.nodes[0].key(), answer); err == nil {
			t.Error("a wrong signature is no fault")
		}
		if err := n.receiveFound(w.nodes[0].key(), answer); err == nil {
			t.Error("a second answer is taken")
		}
		(<-n.calls)()
		if found := n.fills.found(p.Block()); len(found) != 2 || found[good.ID()].Record() == nil || found[alsoGood.ID()].Record() == nil {
			t.Errorf("found: %v", found)
		}
	})
}

// Answers stay within what a block, and a frame, may hold.
func TestAnswersAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1, 1}, nil)
		n := w.nodes[0]
		small := testRecord("small")
		large := &types.Record{Type: types.StakeChange, Name: strings.Repeat("x", types.MaxNameBytes), Stake: 1}
		large.Sign(testNetwork, seed("authority"))
		for i, r := range []*types.Record{small, large} { // the links of the tests complain about too much
			n.sendFound(w.nodes[1].key(), types.Hash{}, slices.Repeat([]*types.Record{r}, 4*types.MaxBlockRecords))
			if n.links.count(p2p.KindRecordsFound) != i+1 {
				t.Error("no answer was sent")
			}
		}
	})
}

// Only the newest blocks of a height are kept at hand, and one that was let go
// is executed again if need be.
func TestBlocksTriedAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var w works
		for i := range 3 * maxWorks {
			w.of(types.Hash{byte(i)}).proposal = &types.Proposal{Round: uint32(i)}
		}
		if len(w.byHash) != maxWorks || len(w.order) != maxWorks || w.find(types.Hash{0}).proposal != nil {
			t.Errorf("%d blocks are kept, in an order of %d", len(w.byHash), len(w.order))
		}
		if last := w.find(types.Hash{3*maxWorks - 1}); last.proposal == nil || last.proposal.Round != 3*maxWorks-1 {
			t.Error("the newest is not kept")
		}
		net := newNetwork(t, []uint64{1}, when(never))
		n := net.nodes[0]
		net.mint(0, open(t, 1), 1)
		if err := n.query(t.Context(), func() {
			n.held = 1 // the rule has held
			built := n.build(consensus.BuildBlock{Height: 1, Winner: n.self}).(consensus.BlockBuilt)
			p := &types.Proposal{Height: 1, ValidRound: types.NoRound, Header: *built.Block, RecordIDs: built.RecordIDs}
			n.works = works{}
			if x := n.executedAgain(p); x == nil || len(x.Block.Records) != 1 {
				t.Errorf("executed again: %+v", x)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A block whose time is far ahead is not valid, until a quorum says that it is.
func TestBlockFromTheFuture(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{1}, when(never))
		n := w.nodes[0]
		w.mint(0, open(t, 1), 1)
		if err := n.query(t.Context(), func() {
			n.held = 1 // the rule has held
			built := n.build(consensus.BuildBlock{Height: 1, Winner: n.self}).(consensus.BlockBuilt)
			p := &types.Proposal{Height: 1, ValidRound: types.NoRound, Header: *built.Block, RecordIDs: built.RecordIDs}
			for ahead, valid := range map[time.Duration]bool{maxDrift: true, maxDrift + time.Second: false} {
				p.Header.Time = types.TimeOf(time.Now().Add(ahead))
				q := *p
				if checked := n.checkProposal(&q)[0].(consensus.BlockChecked); checked.Valid != valid || checked.Block != q.Block() {
					t.Errorf("%v ahead: %+v", ahead, checked)
				}
			}
			p.Header.Time = types.TimeOf(time.Now().Add(maxDrift + time.Second))
			n.decide(&types.Certificate{Height: 1, Block: p.Block()})
		}); err != nil {
			t.Fatal(err)
		}
		if n.Head() != 1 {
			t.Error("a block that a quorum decided was not committed")
		}
	})
}
