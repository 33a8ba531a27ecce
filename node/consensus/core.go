package consensus

import (
	"time"

	"github.com/posnet/posnet/node/types"
)

// Core is the agreement of one node, over all heights. It is used by one
// goroutine at a time.
type Core struct {
	self           types.PublicKey
	proposeTimeout time.Duration

	voting bool                     // whether this node may sign
	down   map[types.PublicKey]bool // whose link is down
	early  earlyEvents              // messages of the next height
	beat   beatState

	timers [TimerKinds]Timer // set last
	armed  [TimerKinds]bool  // and not fired yet

	heightState
	actions []Action // of the step at work
}

// heightState is all that a new height forgets. Rounds are int64 here, so that
// types.NoRound can stand for none.
type heightState struct {
	height     uint64 // 0 before the first NewHeight
	validators *types.ValidatorSet
	order      Order
	me         int // index among the validators, -1 for none

	step    Step
	round   int64 // round_p of the paper
	stirred bool  // a message of this height shows that a candidate is there

	lockedBlock types.Hash // lockedValue of the paper
	lockedRound int64
	validBlock  *block // validValue of the paper
	validRound  int64
	polBlock    types.Hash // the block with a quorum of prevotes (a "POL")
	polRound    int64      // in the highest round that has one
	decision    *round     // a round with a quorum of precommits for a block
	decided     types.Hash // that block

	rounds  []*round // ascending by number
	blocks  []*block
	awaited bool  // BuildBlock was asked for this round
	slow    int64 // how many rounds ran into a timeout
	slowest int64 // the last of these
	barren  int64 // how many orders in a row, up to the pause, had no valid proposal
	sound   bool  // a proposed block was found valid since the last pause

	highest    []int64 // by validator: the highest round it was heard of in
	far        []farVotes
	ownHighest int64 // the highest round this node signed anything in

	candidates []types.Verified[*types.Candidate] // by validator
	ready      bool                               // CandidateReady
	announced  bool                               // SignCandidate was asked
	fresh      bool                               // a candidate came up since the order began
}

// New returns a core that waits for its first NewHeight.
func New(c Config) *Core {
	return &Core{self: c.Self, proposeTimeout: c.ProposeTimeout, voting: true, down: map[types.PublicKey]bool{}}
}

// Step takes one event and returns what is to be done, in order. It takes
// whatever comes: what is malformed, late or of no concern changes nothing.
func (c *Core) Step(event Event) []Action {
	c.actions = nil
	c.dispatch(event)
	c.advance()
	return c.actions
}

func (c *Core) dispatch(event Event) {
	switch e := event.(type) {
	case NewHeight:
		c.onNewHeight(e)
	case TimerFired:
		c.onTimer(e.Timer)
	case ProposalArrived:
		c.onProposal(e)
	case VoteArrived:
		c.onVote(e)
	case CandidateArrived:
		c.onCandidate(e)
	case PassArrived:
		c.onPass(e)
	case SummaryArrived:
		c.onSummary(e)
	case BlockChecked:
		c.onBlockChecked(e)
	case BlockBuilt:
		c.onBlockBuilt(e)
	case CandidateReady:
		c.onCandidateReady(e)
	case LinkChanged:
		c.onLinkChanged(e)
	case VotingAllowed:
		c.onVotingAllowed(e)
	}
}

// advance applies the rules until none applies any more. Each reports whether
// it did something.
func (c *Core) advance() {
	for c.tryDecide() || c.tryBegin() || c.trySkipRound() || c.tryEndPause() ||
		c.tryPrevote() || c.tryPrecommit() || c.tryValidBlock() || c.tryNextRound() {
	}
	c.tryAnnounce()
}

func (c *Core) do(a Action) { c.actions = append(c.actions, a) }

// underWay reports whether the height is being worked at.
func (c *Core) underWay() bool { return c.step >= StepPause && c.step <= StepPrecommit }

// maySign reports whether this node is a validator that may sign.
func (c *Core) maySign() bool { return c.voting && c.me >= 0 }

// turn returns whose turn a round is.
func (c *Core) turn(round int64) Turn { return c.order.At(int(round % int64(c.order.Len()))) }

// Doing returns what the core is about: the step of its View, which costs nothing.
func (c *Core) Doing() Step { return c.step }

// View returns where the core stands.
func (c *Core) View() View {
	v := View{Height: c.height, Round: uint32(c.round), Step: c.step, Locked: c.lockedBlock, LockedRound: types.NoRound, ValidRound: types.NoRound}
	if c.height > 0 {
		turn := c.turn(c.round)
		v.Winner, v.Proposer = turn.Winner, turn.Proposer
		v.LockedRound, v.ValidRound = c.lockedRound, c.validRound
	}
	return v
}
