package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Stakes are the stakes of a network as they are and as they should be.
type Stakes struct {
	Chain  message.Validators       // as a node tells them that is caught up
	Wanted []genesis.Validator      // by the spec: plan.Topology.Genesis.Validators
	Online map[types.PublicKey]bool // the keys of nodes that answer, are caught up and vote
}

// Changes are the changes of stake that a network needs, and what becomes of
// each now.
type Changes struct {
	// Send may be sent now, in this order: the chain takes each, and after each those
	// that are online are a quorum, or nearer to one than before.
	Send []plan.StakeChange
	// Waiting tells in one clause of those whose time comes by itself; empty: there
	// are none.
	Waiting string
	// Held tells of those that would leave no quorum online, and what to do about
	// it; empty: there are none.
	Held string
}

// NewChanges sorts out which changes of stake may be sent now. A validator joins
// once its node is caught up, and before others leave. Nothing is sent while
// those online are no quorum of what counts: no block would take it, and nobody
// knows who is online when one does.
func NewChanges(s Stakes) Changes {
	all := plan.StakeChanges(counted(s.Chain), s.Wanted)
	if len(all) == 0 {
		return Changes{}
	}
	if t := effective(s); !t.isQuorum() {
		return Changes{Held: fmt.Sprintf("%s: no change of stake can be agreed on while the quorum is lost. It goes on when more validators are online", say(all))}
	}
	now, later := timely(all, s.Online)
	w := newWeighing(s)
	send, left := w.pick(now)
	out := Changes{Send: send}

	// Once those that join are online too, what else can be done?
	w.online = joined(s.Online, later)
	waiting, held := w.pick(slices.Concat(later, left))
	out.Waiting = wait(waiting, s.Online)
	if len(held) > 0 {
		out.Held = w.hold(held)
	}
	return out
}

// counted are the validators by the newest block, who count two heights later.
func counted(chain message.Validators) []types.Validator {
	var out []types.Validator
	for _, v := range chain.Validators {
		if v.Stake > 0 {
			out = append(out, types.Validator{Name: v.Name, Key: v.Key, VRFKey: v.VRFKey, Stake: v.Stake})
		}
	}
	return out
}

// effective is what is online of the stakes that count at the height under way.
func effective(s Stakes) tally {
	var t tally
	for _, v := range s.Chain.Validators {
		t.total += v.EffectiveStake
		if s.Online[v.Key] {
			t.online += v.EffectiveStake
		}
	}
	return t
}

// timely parts the changes into those that have their time now and those that
// come later: who is not caught up does not join yet, and who is online leaves
// after the others have joined. One that joins under the name of another, having
// a new key, can only do so after that one has left.
func timely(all []plan.StakeChange, online map[types.PublicKey]bool) (now, later []plan.StakeChange) {
	names := map[string]bool{}
	for _, c := range all {
		if c.Was == 0 && !online[c.Key] {
			names[c.Name] = true
		}
	}
	for _, c := range all {
		joins := c.Was == 0 && !online[c.Key]
		leaves := c.Stake == 0 && online[c.Key] && !names[c.Name] && len(names) > 0
		if joins || leaves {
			later = append(later, c)
		} else {
			now = append(now, c)
		}
	}
	return now, later
}

func joined(online map[types.PublicKey]bool, later []plan.StakeChange) map[types.PublicKey]bool {
	out := map[types.PublicKey]bool{}
	for key, is := range online {
		out[key] = is
	}
	for _, c := range later {
		out[c.Key] = true
	}
	return out
}

// wait says what waits for nodes to catch up, and what for those to join.
func wait(waiting []plan.StakeChange, online map[types.PublicKey]bool) string {
	var first, then []plan.StakeChange
	for _, c := range waiting {
		if c.Was == 0 && !online[c.Key] {
			first = append(first, c)
		} else {
			then = append(then, c)
		}
	}
	switch {
	case len(waiting) == 0:
		return ""
	case len(then) == 0:
		return say(first) + " once caught up"
	}
	return say(first) + " once caught up; then " + say(then)
}

func say(changes []plan.StakeChange) string {
	said := make([]string, len(changes))
	for i, c := range changes {
		said[i] = c.String()
	}
	return strings.Join(said, ", ")
}
