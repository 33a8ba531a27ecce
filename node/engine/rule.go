package engine

import (
	"time"

	"github.com/posnet/posnet/node/builder"
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

// askRule asks whether there is reason for a candidate block, and tells the
// core when the answer has changed. While the core knows of a candidate, a
// change of the pool cannot change that; only the passing of time is asked.
func (e *Engine) askRule(again bool) {
	if e.ready && !again {
		return
	}
	if ready := e.reason(); ready != e.ready {
		e.ready = ready
		e.step(consensus.CandidateReady{Ready: ready})
	}
}

// reason says whether there is reason for a candidate block of this validator's
// own, whoever wins: its rule, or guests that wait.
func (e *Engine) reason() bool {
	holds := e.ruleHeld()
	if !holds && !e.guestReason() || !e.packable() {
		return false
	}
	if holds {
		e.held = e.chain.head.Height + 1
	}
	return true
}

// ruleHeld says whether the rule holds, or has held for the height under way:
// what is dropped from the pool since, because nobody can pay for it, takes the
// rest's block away no more.
func (e *Engine) ruleHeld() bool {
	return e.held == e.chain.head.Height+1 || e.ruleHolds(e.ruleInputs())
}

// hasReason says whether a block in a winner's name has a reason: a guest's is
// its reading, a validator's the rule or the guests.
func (e *Engine) hasReason(winner types.PublicKey) bool {
	if winner != e.self {
		return e.guests.waiting(winner)
	}
	return e.guestReason() || e.ruleHeld()
}

// reasonWhenEmpty says whether a block without records has a reason.
func (e *Engine) reasonWhenEmpty(winner types.PublicKey) bool {
	return winner != e.self || e.guestReason() || e.ruleHolds(e.emptyInputs())
}

// guestReason says whether guests are reason enough for a block: an entry or
// leave in the pool, or a reading that waits in the draw.
func (e *Engine) guestReason() bool {
	return e.pool.Stats().Guests > 0 || e.guests.anyWaits()
}

// Where asking whether the pool holds anything for a block takes longer than
// packQuick, the main loop spends at most one part in packShare of its time on
// it: a pool of ten thousand records that wait for others takes milliseconds.
const (
	packQuick = time.Millisecond
	packShare = 10
)

// packable says whether a block could hold something now, or may be empty: a
// pool of records that nobody can pay for is none.
func (e *Engine) packable() bool {
	if began := time.Now(); e.pool.Stats().Size > 0 && began.After(e.packNext) {
		trial := e.chain.state.Begin(e.chain.head.Height+1, e.self, e.self)
		if len(e.pack(trial, builder.Limits{Records: 1, Bytes: types.MaxRecordBytes})) > 0 {
			return true
		}
		if took := time.Since(began); took > packQuick {
			e.packNext = time.Now().Add(packShare * took)
		}
	}
	return e.reasonWhenEmpty(e.self)
}

func (e *Engine) ruleHolds(in builder.Inputs) bool {
	holds, err := e.rule.Eval(in)
	if err != nil {
		e.log.Warn("the builder rule cannot be evaluated: it counts as false", "rule", e.options.Config.Builder.When, "reason", err)
	}
	return err == nil && holds
}

func (e *Engine) ruleInputs() builder.Inputs {
	in := e.emptyInputs()
	stats := e.pool.Stats()
	in.Size, in.Bytes = stats.Size, stats.Bytes
	if stats.Size > 0 {
		in.Span = stats.Newest.Sub(stats.Oldest)
		in.Age = types.TimeOf(time.Now()).Sub(stats.Oldest)
	}
	return in
}

// emptyInputs is what a rule goes by when the pool is empty.
func (e *Engine) emptyInputs() builder.Inputs {
	idle := types.TimeOf(time.Now()).Sub(e.chain.head.Time)
	return builder.Inputs{Height: e.chain.head.Height + 1, Idle: max(0, idle)}
}
