package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// Adversary is a validator that breaks the rules. It runs an honest node and
// does some things its own way.
type Adversary interface {
	// Act carries out an action in another way, or returns false to leave it.
	Act(n *node, a consensus.Action) bool
	// Begin is called at each height.
	Begin(n *node)
	// Gives reports whether a peer that asks for blocks gets them.
	Gives(n *node, to int) bool
	String() string
}

func randomAdversary(rng *rand.Rand) Adversary {
	all := []Adversary{
		Equivocator{}, Silent{}, Crier{}, YesMan{}, Spammer{},
		Withholder{From: rng.IntN(3)}, Equivocator{}, Inventor{}, Forger{}, Forger{},
	}
	return all[rng.IntN(len(all))]
}

// honest is what an adversary does where it has no other idea.
type honest struct{}

func (honest) Act(*node, consensus.Action) bool { return false }
func (honest) Begin(*node)                      {}
func (honest) Gives(*node, int) bool            { return true }

// Equivocator votes and proposes differently to different peers.
type Equivocator struct{ honest }

func (Equivocator) String() string { return "equivocator" }

// Act implements Adversary.
func (Equivocator) Act(n *node, action consensus.Action) bool {
	switch a := action.(type) {
	case consensus.SignVote:
		other := n.w.someBlock(a.Height)
		n.tellDifferently(n.newVote(a.Kind, a.Height, a.Round, a.Block), n.newVote(a.Kind, a.Height, a.Round, other))
		return true
	case consensus.SignProposal:
		p, q := a.Proposal, *a.Proposal
		if p.ValidRound == types.NoRound {
			turn := consensus.Turn{Winner: p.Header.Winner, Proposer: n.key}
			b := n.w.makeBlock(p.Height, p.Round, n.prev(), turn, p.Header.Time, true)
			n.bodies[b.hash] = b
			q = types.Proposal{Height: p.Height, Round: p.Round, ValidRound: types.NoRound, Header: b.header, RecordIDs: b.ids, Validator: n.key}
		}
		n.tellDifferently(signedProposal(p), signedProposal(&q))
		return true
	}
	return false
}

// tellDifferently sends each peer one of two messages, both, or neither.
func (n *node) tellDifferently(a, b any) {
	for to := range n.w.nodes {
		which := n.w.rng.IntN(8)
		if which != 0 && which < 5 {
			n.w.net.send(n.index, to, a)
		}
		if which >= 4 {
			n.w.net.send(n.index, to, b)
		}
	}
	n.after(0, func() { n.step(arrived(a)) })
}

// someBlock returns the hash of some block made at a height, of none, or nil.
func (w *World) someBlock(height uint64) types.Hash {
	var made []types.Hash
	for _, b := range w.made {
		if b.header.Height == height {
			made = append(made, b.hash)
		}
	}
	if k := w.rng.IntN(len(made) + 2); k < len(made) {
		return made[k]
	} else if k > len(made) {
		w.records++
		return types.SumHash([]byte(fmt.Sprint("no block ", w.records)))
	}
	return types.Hash{}
}

// Silent follows and never says a word.
type Silent struct{ honest }

func (Silent) String() string { return "silent" }

// Act implements Adversary.
func (Silent) Act(_ *node, action consensus.Action) bool {
	switch action.(type) {
	case consensus.SignVote, consensus.SignProposal, consensus.SignCandidate, consensus.SignPass, consensus.SendSummary, consensus.SendTo:
		return true
	}
	return false
}

// Gives implements Adversary.
func (Silent) Gives(*node, int) bool { return false }

// Crier announces a candidate at every height and never proposes or passes.
type Crier struct{ honest }

func (Crier) String() string { return "crier" }

// Begin implements Adversary.
func (Crier) Begin(n *node) { n.publishSoon(&types.Candidate{Height: n.height(), Validator: n.key}) }

// Act implements Adversary.
func (Crier) Act(_ *node, action consensus.Action) bool {
	switch action.(type) {
	case consensus.SignProposal, consensus.SignPass:
		return true
	}
	return false
}

// YesMan votes for whatever is proposed, be it locked on another block or not.
type YesMan struct{ honest }

func (YesMan) String() string { return "yes-man" }

// Act implements Adversary.
func (YesMan) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignVote)
	if !ok {
		return false
	}
	if a.Block.IsZero() {
		a.Block = n.w.someBlock(a.Height)
	}
	n.publishSoon(n.newVote(a.Kind, a.Height, a.Round, a.Block))
	return true
}

// Withholder proposes blocks whose records only it has, and gives them to the
// nodes from a number on.
type Withholder struct {
	honest
	From int
}

func (a Withholder) String() string { return fmt.Sprintf("withholder from n%d on", a.From) }

// Act implements Adversary.
func (Withholder) Act(n *node, action consensus.Action) bool {
	if a, ok := action.(consensus.SignProposal); ok {
		n.w.hidden[a.Proposal.Block()] = true
	}
	return false
}

// Gives implements Adversary.
func (a Withholder) Gives(_ *node, to int) bool { return to >= a.From }

// Inventor proposes blocks that break a rule.
type Inventor struct{ honest }

func (Inventor) String() string { return "inventor of invalid blocks" }

// Act implements Adversary.
func (Inventor) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignProposal)
	if !ok || a.Proposal.ValidRound != types.NoRound {
		return false
	}
	turn := consensus.Turn{Winner: a.Proposal.Header.Winner, Proposer: n.key}
	b := n.w.makeBlock(a.Proposal.Height, a.Proposal.Round, n.prev(), turn, n.now(), false)
	n.bodies[b.hash] = b
	n.publishSoon(signedProposal(&types.Proposal{
		Height: b.header.Height, Round: b.header.Round, ValidRound: types.NoRound,
		Header: b.header, RecordIDs: b.ids, Validator: n.key,
	}))
	return true
}

// Forger proposes blocks of earlier rounds again and names valid rounds that
// they never had, and votes for them.
type Forger struct{ YesMan }

func (Forger) String() string { return "forger of valid rounds" }

// Act implements Adversary.
func (f Forger) Act(n *node, action consensus.Action) bool {
	a, ok := action.(consensus.SignProposal)
	if !ok {
		return f.YesMan.Act(n, action)
	}
	n.forge(a.Proposal.Height, a.Proposal.Round)
	return true
}

// forge proposes some block of an earlier round, if there was one.
func (n *node) forge(height uint64, round uint32) {
	for _, i := range n.w.rng.Perm(len(n.w.made)) {
		h := n.w.made[i].header
		if h.Height == height && h.Round < round {
			n.publishSoon(signedProposal(&types.Proposal{
				Height: height, Round: round, ValidRound: int64(round) - 1,
				Header: h, RecordIDs: n.w.made[i].ids, Validator: n.key,
			}))
			return
		}
	}
}

// Spammer sends all kinds of nonsense besides what is asked of it.
type Spammer struct{ honest }

func (Spammer) String() string { return "spammer" }

// Begin implements Adversary.
func (Spammer) Begin(n *node) {
	height := n.height()
	for range 6 {
		n.after(Range{0, 300 * time.Millisecond}.pick(n.w.rng), func() {
			if n.height() == height {
				n.broadcast(n.nonsense())
			}
		})
	}
}

// nonsense returns a message that nobody expects.
func (n *node) nonsense() any {
	rng, h := n.w.rng, n.height()+n.w.rng.Uint64N(2)
	round := uint32(rng.IntN(4))
	if rng.IntN(4) == 0 {
		round = rng.Uint32()
	}
	switch rng.IntN(5) {
	case 0:
		return n.newVote(types.VoteKind(1+rng.IntN(2)), h, round, n.w.someBlock(h))
	case 1:
		return &types.Pass{Height: h, Round: round, Validator: n.key}
	case 2:
		turn := consensus.Turn{Winner: n.key, Proposer: n.key}
		b := n.w.makeBlock(h, round, n.prev(), turn, n.now(), true)
		return signedProposal(&types.Proposal{Height: h, Round: round, ValidRound: types.NoRound, Header: b.header, RecordIDs: b.ids, Validator: n.key})
	case 3:
		return &types.Candidate{Height: h, Validator: n.key}
	}
	s := consensus.Summary{Height: h + rng.Uint64N(3), Round: round, POLRound: int64(rng.IntN(5)) - 1, Wanted: n.w.someBlock(h), POLBlock: n.w.someBlock(h)}
	if rng.IntN(2) == 0 {
		s.Prevotes.Set(rng.IntN(types.MaxValidators))
		s.Candidates.Set(rng.IntN(types.MaxValidators))
	}
	return s
}
