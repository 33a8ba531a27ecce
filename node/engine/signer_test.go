package engine

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

var testNetwork = types.SumHash([]byte("network"))

func testSigner(t testing.TB, log storage.SignLog, floor uint64) *signer {
	t.Helper()
	s, err := newSigner(seed("signer"), testNetwork, log, floor)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testProposal is a proposal with two records, with its block.
func testProposal(height uint64, round uint32, text string) (*types.Proposal, []*types.Record) {
	records := []*types.Record{testRecord(text + "1"), testRecord(text + "2")}
	ids := (&types.Block{Records: records}).IDs()
	return &types.Proposal{
		Height: height, Round: round, ValidRound: types.NoRound, RecordIDs: ids, Validator: seed("signer").Public(),
		Header: types.Header{Network: testNetwork, Height: height, Round: round, Records: 2, RecordsRoot: types.MerkleRoot(ids), Prev: types.SumHash([]byte(text))},
	}, records
}

func testRecord(text string) *types.Record {
	r := &types.Record{Type: types.Reading, Sender: types.KeyedAccount(seed(text).Public()), BPM: 70}
	r.Sign(testNetwork, seed(text))
	return r
}

func testLock(t testing.TB, p *types.Proposal, records []*types.Record) *content {
	t.Helper()
	vote := &types.Vote{Kind: types.Prevote, Height: p.Height, Round: p.Round, Block: p.Block(), Validator: seed("other").Public()}
	vote.Signature = seed("other").Sign(vote.SignBytes(testNetwork))
	return newContent(&consensus.Lock{Proposal: types.Vouch(p), Prevotes: []types.Verified[*types.Vote]{types.Vouch(vote)}}, records)
}

func TestSignerSaysTheSameAgain(t *testing.T) {
	log := storage.NewMemory().SignLog
	block := types.SumHash([]byte("block"))
	s := testSigner(t, log, 1)
	p, records := testProposal(5, 2, "p")
	lock := testLock(t, p, records)
	say := func(s *signer) (out [][]byte) {
		t.Helper()
		for _, kind := range []types.VoteKind{types.Prevote, types.Precommit} {
			v, err := s.vote(kind, 5, 1, block, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !types.VerifySignature(v.Validator, v.SignBytes(testNetwork), v.Signature) {
				t.Errorf("the signature of a %v is wrong", kind)
			}
			out = append(out, v.Encode())
		}
		v, err := s.vote(types.Precommit, 5, 2, p.Block(), lock)
		if err != nil {
			t.Fatal(err)
		}
		fresh, _ := testProposal(5, 2, "p")
		signed, raw, err := s.proposal(fresh)
		if err != nil || !bytes.Equal(signed.Encode(), raw) || !types.VerifySignature(signed.Validator, signed.SignBytes(testNetwork), signed.Signature) {
			t.Fatalf("proposal: %v", err)
		}
		return append(out, v.Encode(), raw)
	}
	first := say(s)
	entries, _ := log.Entries()
	for name, again := range map[string]*signer{"again": s, "after a restart": testSigner(t, log, 1)} {
		for i, raw := range say(again) {
			if !bytes.Equal(raw, first[i]) {
				t.Errorf("%s: message %d has other bytes", name, i)
			}
		}
		if now, _ := log.Entries(); len(now) != len(entries) {
			t.Errorf("%s: %d entries became %d", name, len(entries), len(now))
		}
	}
}

func TestSignerRefusesContradictions(t *testing.T) {
	log := storage.NewMemory().SignLog
	s := testSigner(t, log, 4)
	a, b := types.SumHash([]byte("a")), types.SumHash([]byte("b"))
	p, _ := testProposal(5, 0, "a")
	if _, _, err := s.proposal(p); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []types.VoteKind{types.Prevote, types.Precommit} {
		if _, err := s.vote(kind, 5, 0, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ := log.Entries()
	for name, s := range map[string]*signer{"at once": s, "after a restart": testSigner(t, log, 4)} {
		for _, kind := range []types.VoteKind{types.Prevote, types.Precommit} {
			for _, block := range []types.Hash{b, {}} {
				if v, err := s.vote(kind, 5, 0, block, nil); v != nil || !errors.Is(err, errContradiction) {
					t.Errorf("%s: %v of %s: %v", name, kind, block.Short(), err)
				}
			}
			if _, err := s.vote(kind, 3, 0, b, nil); !errors.Is(err, errFinal) {
				t.Errorf("%s: %v of a final height: %v", name, kind, err)
			}
		}
		other, _ := testProposal(5, 0, "b")
		if _, raw, err := s.proposal(other); raw != nil || !errors.Is(err, errContradiction) {
			t.Errorf("%s: another proposal: %v", name, err)
		}
	}
	if now, _ := log.Entries(); len(now) != len(entries) {
		t.Error("a refusal was logged")
	}
	if err := s.prune(6); err != nil {
		t.Fatal(err)
	}
	if _, err := s.vote(types.Prevote, 5, 0, b, nil); !errors.Is(err, errFinal) {
		t.Errorf("signed below what was pruned: %v", err)
	}
}

// Each precommit of a block comes with the prevotes of its own round.
func TestSignerKeepsContentOfEachPrecommit(t *testing.T) {
	log := storage.NewMemory().SignLog
	s := testSigner(t, log, 1)
	p, records := testProposal(5, 0, "p")
	for round := range uint32(2) {
		lock := testLock(t, p, records)
		lock.prevotes[0].Round = round
		if _, err := s.vote(types.Precommit, 5, round, p.Block(), lock); err != nil {
			t.Fatal(err)
		}
	}
	s = testSigner(t, log, 1)
	if c := s.kept[p.Block()]; c == nil || len(c.records) != 2 || c.records[0].ID() != records[0].ID() {
		t.Fatal("the records of a locked block are lost")
	}
	var rounds []string
	for _, event := range s.replay(5) {
		switch e := event.(type) {
		case consensus.ProposalArrived:
			rounds = append(rounds, "proposal")
		case consensus.VoteArrived:
			rounds = append(rounds, fmt.Sprintf("%v %d", e.Vote.Value().Kind, e.Vote.Value().Round))
		}
	}
	if got := strings.Join(rounds, " "); got != "proposal prevote 0 precommit 0 proposal prevote 1 precommit 1" {
		t.Errorf("replayed: %s", got)
	}
}

func TestSignerReplaysEachHeightOnce(t *testing.T) {
	log := storage.NewMemory().SignLog
	s := testSigner(t, log, 1)
	for height := uint64(3); height <= 6; height++ {
		for round := range uint32(2) {
			if _, err := s.vote(types.Prevote, height, round, types.Hash{}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = testSigner(t, log, 4)
	for height, want := range map[uint64]int{3: 0, 4: 2} {
		if n := len(s.replay(height)); n != want {
			t.Errorf("height %d: %d events, want %d", height, n, want)
		}
	}
	if n := len(s.replay(4)); n != 0 {
		t.Errorf("height 4 again: %d events", n)
	}
	if events := s.replay(6); len(events) != 2 || events[0].(consensus.VoteArrived).Vote.Value().Round != 0 {
		t.Errorf("a later height: %v", events)
	}
}

func TestSignerDamagedLog(t *testing.T) {
	good := storage.NewMemory().SignLog
	s := testSigner(t, good, 1)
	p, records := testProposal(5, 0, "p")
	if _, _, err := s.proposal(p); err != nil {
		t.Fatal(err)
	}
	if _, err := s.vote(types.Precommit, 5, 0, p.Block(), testLock(t, p, records)); err != nil {
		t.Fatal(err)
	}
	entries, _ := good.Entries()
	entries = append(entries, storage.SignEntry{Height: 5, Kind: 77, Data: []byte("from the future")})
	for _, entry := range entries {
		if entry.Kind != 77 {
			entry.Data = entry.Data[:len(entry.Data)-1]
		}
		log := storage.NewMemory().SignLog
		if err := log.Append(entry); err != nil {
			t.Fatal(err)
		}
		if _, err := newSigner(seed("signer"), testNetwork, log, 1); err == nil || !strings.Contains(err.Error(), "an entry of height 5") {
			t.Errorf("kind %d: %v", entry.Kind, err)
		}
		if _, err := newSigner(seed("signer"), testNetwork, log, 6); err != nil {
			t.Errorf("kind %d: what is final does not matter: %v", entry.Kind, err)
		}
	}
}

// brokenLog fails from the write number so many on.
type brokenLog struct {
	storage.SignLog
	writes int
}

var errDiskFull = errors.New("no space left on device")

func (b *brokenLog) Append(entries ...storage.SignEntry) error {
	if b.writes--; b.writes < 0 {
		return errDiskFull
	}
	return b.SignLog.Append(entries...)
}

func TestSignerSaysNothingThatIsNotOnDisk(t *testing.T) {
	s := testSigner(t, &brokenLog{storage.NewMemory().SignLog, 1}, 1)
	if _, err := s.vote(types.Prevote, 5, 0, types.Hash{}, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 { // that it failed once does not make it said
		if v, err := s.vote(types.Precommit, 5, 0, types.Hash{}, nil); v != nil || !errors.Is(err, errDiskFull) {
			t.Errorf("vote %v, %v", v, err)
		}
	}
	p, _ := testProposal(5, 1, "p")
	if _, raw, err := s.proposal(p); raw != nil || !errors.Is(err, errDiskFull) {
		t.Errorf("proposal: %v", err)
	}
}

// TestSignerNeverContradicts asks for random votes and proposals over random
// restarts, and remembers in its own way what was said.
func TestSignerNeverContradicts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		log := storage.NewMemory().SignLog
		floor := uint64(1)
		s := testSigner(t, log, floor)
		said := map[string]string{}
		say := func(slot, what string, raw []byte, err error) {
			before, spoke := said[slot]
			switch {
			case err == nil && !spoke:
				said[slot] = what + string(raw)
			case err == nil && before != what+string(raw):
				rt.Fatalf("%s: said two things", slot)
			case err != nil && !errors.Is(err, errFinal) && (!spoke || strings.HasPrefix(before, what)):
				rt.Fatalf("%s: refused to say %s: %v", slot, what, err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"vote": func(rt *rapid.T) {
				kind := rapid.SampledFrom([]types.VoteKind{types.Prevote, types.Precommit}).Draw(rt, "kind")
				height, round := rapid.Uint64Range(1, 4).Draw(rt, "height"), rapid.Uint32Range(0, 2).Draw(rt, "round")
				p, records := testProposal(height, round, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "block"))
				var with *content
				if kind == types.Precommit {
					with = testLock(t, p, records)
				}
				v, err := s.vote(kind, height, round, p.Block(), with)
				var raw []byte
				if err == nil {
					raw = v.Encode()
				}
				say(fmt.Sprint(kind, height, round), p.Block().String(), raw, err)
			},
			"propose": func(rt *rapid.T) {
				height, round := rapid.Uint64Range(1, 4).Draw(rt, "height"), rapid.Uint32Range(0, 2).Draw(rt, "round")
				p, _ := testProposal(height, round, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "block"))
				_, raw, err := s.proposal(p)
				say(fmt.Sprint("proposal", height, round), p.Block().String(), raw, err)
			},
			"commit": func(rt *rapid.T) {
				floor = min(floor+1, 4)
				if err := s.prune(floor); err != nil {
					rt.Fatal(err)
				}
			},
			"restart": func(*rapid.T) { s = testSigner(t, log, floor) },
		})
	})
}

func TestContentRoundTrip(t *testing.T) {
	p, records := testProposal(7, 3, "p")
	c := testLock(t, p, records)
	raw := c.encode()
	back, err := decodeContent(raw)
	if err != nil || !bytes.Equal(back.encode(), raw) || back.proposal.Block() != p.Block() || len(back.records) != 2 || len(back.prevotes) != 1 {
		t.Fatalf("%+v, %v", back, err)
	}
	for cut := range raw {
		if _, err := decodeContent(raw[:cut]); err == nil {
			t.Fatalf("content cut at byte %d is taken", cut)
		}
	}
}
