package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// block is a fake: a header, and records that are nothing but ids.
type block struct {
	header types.Header
	ids    []types.Hash
	hash   types.Hash
}

// committed is a block with its certificate, as a disk keeps it.
type committed struct {
	block       *block
	certificate types.Certificate
}

// The messages that the core knows nothing of.
type (
	bodyWanted   struct{ block types.Hash }
	bodyFound    struct{ block *block }
	blocksWanted struct{ from uint64 }
	blocksFound  struct{ blocks []committed }
)

// stateAfter is what a valid block must bear as its state: a rule that anybody
// can check.
func stateAfter(prev types.Hash) types.Hash { return types.SumHash([]byte("state"), prev[:]) }

// makeBlock makes a block that extends prev; an invalid one bears a wrong
// state.
func (w *World) makeBlock(height uint64, round uint32, prev types.Hash, turn consensus.Turn, t types.Time, good bool) *block {
	b := &block{header: types.Header{
		Height: height, Round: round, Time: t, Prev: prev, State: stateAfter(prev),
		Validators: w.set(height).Hash(), NextValidators: w.set(height + 1).Hash(), Winner: turn.Winner, Proposer: turn.Proposer,
	}}
	for range w.rng.IntN(4) {
		w.records++
		b.ids = append(b.ids, types.SumHash(binary.BigEndian.AppendUint64(nil, w.records)))
	}
	if !good {
		w.records++
		b.header.State = types.SumHash(binary.BigEndian.AppendUint64(nil, w.records))
	}
	b.header.Records, b.header.RecordsRoot = uint32(len(b.ids)), types.MerkleRoot(b.ids)
	b.hash = b.header.Hash()
	w.bodies[b.hash], w.made[height] = b, append(w.made[height], b)
	return b
}

// maxDrift is how far a block's time may be ahead of a node's clock.
const maxDrift = 200 * time.Millisecond

// whole reports whether a block is what its hash says.
func (b *block) whole() bool {
	return b.hash == b.header.Hash() && b.header.Records == uint32(len(b.ids)) && b.header.RecordsRoot == types.MerkleRoot(b.ids)
}

// encode writes a block as a proposal of it, which has all of it.
func (b *block) encode() []byte {
	p := types.Proposal{Height: b.header.Height, Round: b.header.Round, ValidRound: types.NoRound, Header: b.header, RecordIDs: b.ids}
	return p.Encode()
}

func decodeBody(raw []byte) (*block, error) {
	p, err := types.DecodeProposal(raw)
	if err != nil {
		return nil, err
	}
	return &block{header: p.Header, ids: p.RecordIDs, hash: p.Block()}, nil
}

// sound reports whether a block may follow upon prev, whatever the time.
func (b *block) sound(prev types.Hash) bool {
	return b.header.Prev == prev && b.header.State == stateAfter(prev)
}

// order returns the draw of a height, which follows from the block before it.
func (w *World) order(height uint64, prev types.Hash) consensus.Order {
	if o, ok := w.orders[prev]; ok {
		return o
	}
	hosts := map[types.PublicKey]types.PublicKey{}
	var list []lottery.Participant
	set := w.set(height)
	for i := range set.Len() {
		list = append(list, lottery.Participant{ID: set.At(i).Key, Weight: set.At(i).Stake})
	}
	for _, g := range w.Guests {
		if _, ok := set.Find(w.Keys[g.Host]); ok { // a guest leaves with its host
			hosts[g.Key] = w.Keys[g.Host]
			list = append(list, lottery.Participant{ID: g.Key, Weight: g.Weight, Guest: true})
		}
	}
	o := w.draw(height, prev, list, hosts)
	w.orders[prev] = o
	return o
}

// turns is an order drawn in full.
type turns []consensus.Turn

func (t turns) Len() int                    { return len(t) }
func (t turns) At(place int) consensus.Turn { return t[place] }

func (w *World) draw(height uint64, prev types.Hash, list []lottery.Participant, hosts map[types.PublicKey]types.PublicKey) turns {
	var winners []types.PublicKey
	if w.Leaders != nil {
		for _, i := range w.Leaders {
			winners = append(winners, w.Keys[i])
		}
	} else if w.RealDraw {
		draw, err := lottery.NewDraw(lottery.Seed(types.SumHash([]byte("beacon"), prev[:])), height, list)
		if err != nil {
			panic("sim: " + err.Error()) // the scenario makes valid sets only
		}
		for _, id := range draw.Order() {
			winners = append(winners, id)
		}
	} else {
		rng := rand.New(rand.NewPCG(binary.BigEndian.Uint64(prev[:8]), height))
		for _, i := range rng.Perm(len(list)) {
			winners = append(winners, list[i].ID)
		}
	}
	var out turns
	for _, winner := range winners {
		proposer, guest := hosts[winner]
		if !guest {
			proposer = winner
		}
		out = append(out, consensus.Turn{Winner: winner, Proposer: proposer})
	}
	return out
}
