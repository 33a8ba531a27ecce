package engine

import (
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

var errBehind = message.Errorf(message.StatusTooFast,
	"the network has more records to commit than it can right now, and one that must come before this is not here: wait a moment and send both again in order, and then more slowly")

// inTurn refuses the frames of clients whose records wait for others of their
// signers that are not here, and returns the rest. While clients are refused, those
// others were most likely among what was: they come again at some time, and what is
// accepted meanwhile would take the place of records that could be in the next
// block, and wait much longer than records should. Otherwise such records are
// welcome, for what they wait for may be on its way through another node.
func (in *intake) inTurn(frames []queued) []queued {
	e := in.engine
	next := map[types.PublicKey]uint64{} // the first nonce that is not here, of signers in frames
	kept := frames[:0]
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, f := range frames {
		advanced, all := e.runsOn(f.records, next)
		if all || f.refuse == nil {
			kept = append(kept, f)
			continue
		}
		for _, key := range advanced {
			next[key]--
		}
		in.checked(f.records)
		f.refuse(errBehind)
	}
	return kept
}

// runsOn reports whether no record waits for another that is neither here, nor
// among them, nor among those that next tells of. It notes in next what the records
// add, and returns their signers, each as often. The caller holds e.mu.
func (e *Engine) runsOn(records []*types.Record, next map[types.PublicKey]uint64) (advanced []types.PublicKey, all bool) {
	all = true
	for _, r := range records {
		key, signed := r.Signer(e.options.Genesis.Authority)
		if !signed {
			continue
		}
		first, noted := next[key]
		if !noted {
			first = e.pool.NextNonce(key, e.chain.state.Account(types.KeyedAccount(key)).Nonce)
		}
		switch {
		case r.Nonce > first:
			all = false
		case r.Nonce == first:
			first++
			noted = false
			advanced = append(advanced, key)
		}
		if !noted {
			next[key] = first
		}
	}
	return advanced, all
}
