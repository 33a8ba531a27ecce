package nodes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// choose sees to it that one node tells of blocks: the heaviest of those known to be
// caught up. It stays as long as it is that.
func (f *follower) choose() {
	if v := f.voice; v != nil && (!v.abreast) {
		f.disconnect(v) // it is asked anew how it is, over another connection
		v.due = time.Now()
	}
	if f.voice != nil || f.joining {
		return
	}
	best := f.candidate()
	if best == nil {
		return
	}
	f.joining = true
	c := best.client
	f.ask(func(ctx context.Context) func() {
		sub, err := c.Subscribe(ctx, message.TopicWinners)
		var past []message.Winner
		if err == nil {
			past, err = c.WinnersUpTo(ctx, sub.Height, message.DefaultWinners)
		}
		return func() { f.joined(best, c, sub, past, err) }
	})
}

// candidate is who is to tell of blocks: one that has kept still before, or tells
// of blocks that the others do not have, only if there is nobody else.
func (f *follower) candidate() (best *node) {
	believed := f.believed()
	better := func(a, b *node) bool {
		if x, y := a.mute || a.told > believed, b.mute || b.told > believed; x != y {
			return y
		}
		return a.Stake > b.Stake
	}
	for _, n := range f.nodes {
		if n.client != nil && n.abreast && (best == nil || better(n, best)) {
			best = n
		}
	}
	return best
}

// listen moves on to another voice when this one does not tell of blocks that the
// others have had for a whole round.
func (f *follower) listen() {
	v, believed := f.voice, f.believed()
	if v == nil {
		return
	}
	var told uint64
	if n := len(f.recent); n > 0 {
		told = f.recent[n-1].Height
	}
	if told < f.overdue {
		v.mute, v.due = true, time.Now()
		f.disconnect(v)
	}
	f.overdue = believed
}

// joined takes note that a node tells of blocks from now on.
func (f *follower) joined(n *node, c *client.Client, sub *client.Subscription, past []message.Winner, err error) {
	f.joining = false
	if n.client != c {
		return
	}
	if err != nil {
		f.disconnect(n)
		f.silent(n, n.Name+" does not tell of blocks: "+plain(err))
		return
	}
	f.voice, f.news, f.recent, f.overdue = n, sub.News, past, 0
	slices.Reverse(f.recent)
	f.soon = true
	f.learn()
}

// hear takes note of a block, and of all others that have come.
func (f *follower) hear(e message.Event, open bool) {
	for {
		if !open {
			f.news = nil // guard tells of the rest
			return
		}
		if w := e.Winner; w != nil {
			f.add(*w)
		}
		if len(f.news) == 0 {
			return
		}
		e, open = <-f.news
	}
}

// add notes a block that the voice tells of.
func (f *follower) add(w message.Winner) {
	if n := len(f.recent); n > 0 && w.Height != f.recent[n-1].Height+1 {
		f.recent = nil
	}
	if s := f.voice.status; s != nil && s.Height < w.Height {
		newer := *s
		newer.Height, newer.HeadHash, newer.HeadTime = w.Height, w.Hash, w.Time
		f.voice.status = &newer
	}
	f.recent = append(f.recent, w)
	if keep := f.wantedRecent(w.Height); len(f.recent) > 2*keep {
		f.recent = slices.Clone(f.recent[len(f.recent)-keep:])
	}
	f.soon, f.confirms = true, 0
	if f.confirm.IsZero() {
		f.confirm = time.Now().Add(confirmDelay)
	}
}

// wantedRecent is how many blocks to remember so that the heads of those caught up
// are among them.
func (f *follower) wantedRecent(head uint64) int {
	keep := uint64(minRecent)
	for _, n := range f.nodes {
		if n.abreast && n.status.Height < head {
			keep = max(keep, head-n.status.Height+message.DefaultWinners)
		}
	}
	return int(min(keep, maxRecent))
}

// askOthers asks so many others how they are that with the voice they have more
// than a third of the stake: then its newest block can be believed.
func (f *follower) askOthers(now time.Time) {
	if f.voice == nil || f.voice.status == nil || f.believed() >= f.voice.status.Height || f.confirms == maxConfirms {
		return
	}
	f.confirms++
	f.confirm = now.Add(confirmInterval)
	others := slices.DeleteFunc(slices.Clone(f.nodes), func(n *node) bool { return n == f.voice || !n.abreast })
	slices.SortStableFunc(others, func(a, b *node) int { return -compare(a.Stake, b.Stake) })
	sum, total := f.voice.Stake, uint64(0)
	for _, n := range f.nodes {
		total += n.Stake
	}
	for _, n := range others {
		if 3*sum > total {
			return
		}
		sum += n.Stake
		if !n.asking {
			f.askNode(n)
		}
	}
}

// learned is what the voice has said of all.
type learned struct {
	from       *node
	height     uint64
	evidences  int
	validators *message.Validators
	fairness   *message.Fairness
	evidence   []message.Evidence
}

// learn asks the voice for what one node can say of all, if that can be new.
func (f *follower) learn() {
	v := f.voice
	if v == nil || v.status == nil || f.learning {
		return
	}
	was := f.learned
	if was.from == v && was.height == v.status.Height && was.evidences == v.status.Evidence {
		return
	}
	f.learning = true
	id, c, now := f.network.ID, v.client, learned{from: v, height: v.status.Height, evidences: v.status.Evidence, evidence: was.evidence}
	f.ask(func(ctx context.Context) func() {
		validators, err := c.Validators(ctx, 0)
		var fairness message.Fairness
		if err == nil {
			fairness, err = c.Fairness(ctx)
		}
		if err == nil && (now.from != was.from || now.evidences != was.evidences) {
			now.evidence, err = c.Evidence(ctx)
			now.evidence = slices.DeleteFunc(now.evidence, func(e message.Evidence) bool { return !convicts(e, id) })
		}
		now.validators, now.fairness = &validators, &fairness
		return func() {
			f.learning = false
			if err == nil && v == f.voice {
				f.now = f.now || was.validators == nil || stakesOf(was.validators) != stakesOf(now.validators)
				f.learned, f.soon = now, true
			}
		}
	})
}

// convicts reports whether evidence shows what it says: a node might accuse others.
func convicts(e message.Evidence, network types.Hash) bool {
	both := types.Evidence{First: e.First, Second: e.Second}
	return e.Validator == e.First.Validator && e.Height == e.First.Height && both.Convicts(network)
}

// stakesOf is who has which stake, as text.
func stakesOf(v *message.Validators) string {
	text := ""
	for _, one := range v.Validators {
		text += fmt.Sprint(one.Key.Short(), " ", one.Stake, " ", one.EffectiveStake, " ")
	}
	return text
}
