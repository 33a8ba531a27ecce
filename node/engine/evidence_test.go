package engine

import (
	"testing"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// prevote signs a prevote in a script's name.
func (s *script) prevote(height uint64, round uint32, block string) []byte {
	v := types.Vote{Kind: types.Prevote, Height: height, Round: round, Block: types.SumHash([]byte(block)), Validator: s.node.key()}
	v.Signature = s.node.keys.Sign.Sign(v.SignBytes(s.node.network.genesis.Network()))
	return v.Encode()
}

// A validator that votes for two blocks is convicted on all nodes, once,
// though only one of them saw both votes.
func TestEvidence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.guilty = true
		w.stop(3)
		s := &script{}
		w.play(3, s)
		for _, n := range w.nodes[:3] {
			s.send(n.key(), p2p.KindVote, s.prevote(1, 0, "a"))
		}
		quiet(10 * latency)
		s.send(w.nodes[1].key(), p2p.KindVote, s.prevote(1, 0, "b"))
		check := func(when string, want int) {
			t.Helper()
			quiet(time.Second)
			for i, n := range w.nodes[:3] {
				list, err := n.Evidence(t.Context(), 100)
				if err != nil || len(list) != want || w.status(i).Evidence != want {
					t.Fatalf("%s: node %d has %d pieces of evidence, status says %d, want %d (%v)", when, i, len(list), w.status(i).Evidence, want, err)
				}
				for _, v := range list {
					if v.Name != "v3" || v.Validator != s.node.key() || v.First.Block == v.Second.Block {
						t.Errorf("%s: node %d: %+v", when, i, v)
					}
				}
			}
		}
		check("at once", 1)
		if n := w.nodes[0].log.count("a validator contradicted itself"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
		w.stop(1)
		w.start(1)
		for _, block := range []string{"b", "a", "c"} { // the same again, the other way round, and more
			s.node.links.Broadcast(p2p.KindVote, s.prevote(1, 0, block))
			quiet(10 * latency)
		}
		check("after a restart", 1)
		for round := range uint32(15) {
			s.node.links.Broadcast(p2p.KindVote, s.prevote(1, round+1, "a"))
			s.node.links.Broadcast(p2p.KindVote, s.prevote(1, round+1, "b"))
		}
		check("of many", maxEvidencePer)
		w.stop(2)
		w.start(2)
		check("of many, after a restart", maxEvidencePer)
		w.grow(2, 0, 1, 2) // and the chain goes on
	})
}

// One equivocator leaves room for the evidence against others.
func TestEvidenceHasRoomForAll(t *testing.T) {
	v := &evidence{}
	of := func(who, round int) *types.Evidence {
		vote := types.Vote{Kind: types.Prevote, Height: 1, Round: uint32(round), Validator: types.PublicKey{byte(who), byte(who >> 8)}}
		second := vote
		second.Block[0] = 1
		return &types.Evidence{First: vote, Second: second}
	}
	for round := range 100 {
		if one := of(1, round); v.wants(one) {
			v.add(*one)
		}
	}
	if v.count() != maxEvidencePer || !v.wants(of(2, 0)) {
		t.Errorf("%d pieces of one validator", v.count())
	}
	for who := range 1000 {
		for round := range 3 {
			if one := of(who, round); v.wants(one) {
				v.add(*one)
			}
		}
	}
	if v.count() != maxEvidence {
		t.Errorf("%d pieces are kept", v.count())
	}
}
