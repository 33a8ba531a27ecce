package nodes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// askDue asks the nodes whose time has come. Those that answer are asked together.
func (f *follower) askDue(now time.Time) {
	next := now.Add(jittered(askInterval))
	asked := false
	for _, n := range f.nodes {
		if n.asking || n.Address == "" || now.Before(n.due) {
			continue
		}
		asked = asked || n.status != nil || n.due.IsZero()
		n.due = next
		f.askNode(n)
	}
	if asked {
		f.compare = true
	}
}

// askNode asks a node how it is, over its connection or a new one.
func (f *follower) askNode(n *node) {
	n.asking = true
	c, address := n.client, n.Address
	f.ask(func(ctx context.Context) func() {
		var s message.Status
		var err error
		fresh := c == nil
		if fresh {
			c, err = client.Dial(ctx, address, client.Options{News: maxNews, ReadBuffer: readBuffer})
		}
		if err == nil {
			s, err = c.Status(ctx)
		}
		return func() { f.answered(n, c, fresh, s, err) }
	})
}

// answered takes note of how a node is.
func (f *follower) answered(n *node, c *client.Client, fresh bool, s message.Status, err error) {
	n.asking = false
	if fresh && c != nil {
		if n.gone || err != nil {
			f.asking.Go(c.Close)
		} else {
			n.client = c
			f.guard(n, c)
		}
	}
	if n.gone || !fresh && n.client != c {
		return // it is followed no longer, or was lost meanwhile
	}
	problem := ""
	switch {
	case err != nil:
		problem = n.Name + " does not answer: " + plain(err)
		f.disconnect(n) // what it may yet answer is not waited for
	case s.NetworkID != f.network.ID:
		problem = fmt.Sprintf("what answers at %s is a node of network %s (id %s), not of this one (%s): it is not believed", n.Address, s.Network, s.NetworkID.Short(), f.network.ID.Short())
	case s.Key != n.Key:
		problem = fmt.Sprintf("what answers at %s is validator %s with key %s, and %s has key %s: it is not believed", n.Address, s.Name, s.Key.Short(), n.Name, n.Key.Short())
	}
	if problem != "" {
		f.silent(n, problem)
		n.strange = err == nil
		return
	}
	f.note(n, &s)
}

// plain is an error without what changes at each attempt, so that the same trouble
// reads the same.
func plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("nothing came within %v", answerTime)
	}
	for {
		under := errors.Unwrap(err)
		if under == nil {
			return err.Error()
		}
		err = under
	}
}

// silent takes note that a node has no status.
func (f *follower) silent(n *node, problem string) {
	now := time.Now()
	if n.status != nil {
		n.lost = now
	}
	f.now = f.now || n.status != nil || n.problem != problem
	n.status, n.since, n.problem, n.strange, n.blocks, n.expected = nil, time.Time{}, problem, false, nil, expected{}
	f.remember(n, now)
	if now.Sub(n.lost) < hurryTime {
		n.due = now.Add(hurryInterval)
	}
}

// remember has health remember what a node answered, or that it did not.
func (f *follower) remember(n *node, now time.Time) {
	h := health.Node{Status: n.status}
	n.memory.Note(&h, now)
	f.soon = f.soon || h.Told != n.told || h.Working != n.working
	n.told, n.working = h.Told, h.Working
}

// note takes note of a node's status.
func (f *follower) note(n *node, s *message.Status) {
	was := n.status
	if was != nil && n == f.voice && was.Height > s.Height { // it has told of more since it answered
		s.Height, s.HeadHash, s.HeadTime = was.Height, was.HeadHash, was.HeadTime
	}
	wasAbreast := n.abreast
	n.status, n.problem, n.strange = s, "", false
	f.remember(n, time.Now())
	n.expect(f.believed(), time.Now())
	n.abreast = s.Ready && s.Height >= n.least
	switch {
	case was == nil:
		n.since, f.now = time.Now(), true
	case was.Ready != s.Ready || was.Voting != s.Voting || was.Evidence != s.Evidence || wasAbreast != n.abreast:
		f.now = true
	case was.HeadHash != s.HeadHash || was.Step != s.Step || was.Round != s.Round:
		f.soon = true
	}
}

// guard notices at once that a connection is lost.
func (f *follower) guard(n *node, c *client.Client) {
	f.asking.Go(func() {
		<-c.Done()
		f.bring(func() {
			if n.client != c {
				return
			}
			f.disconnect(n)
			f.silent(n, n.Name+" does not answer: the connection is lost")
			n.due = time.Now()
		})
	})
}

func (f *follower) isAsking() bool {
	return slices.ContainsFunc(f.nodes, func(n *node) bool { return n.asking && n.status != nil })
}

// believed is the greatest height that nodes with more than a third of the stake
// tell of: one of them is honest.
func (f *follower) believed() uint64 {
	nodes := slices.Clone(f.nodes)
	nodes = slices.DeleteFunc(nodes, func(n *node) bool { return n.status == nil || !n.status.Ready })
	slices.SortStableFunc(nodes, func(a, b *node) int { return -compare(a.status.Height, b.status.Height) })
	var sum, total uint64
	for _, n := range f.nodes {
		total += n.Stake
	}
	for _, n := range nodes {
		if sum += n.Stake; 3*sum > total {
			return n.status.Height
		}
	}
	return 0
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// expected is what a node must have to count as caught up. That it says so itself
// is not enough: one that nobody links with believes that it is alone.
type expected struct {
	abreast bool
	least   uint64    // what was believed a while before it answered last
	later   uint64    // what was believed at a time
	at      time.Time // of later; zero: it has not answered yet
}

// expect takes note of what is believed when a node answers. In its first answer it
// may be a little behind, for not all come at the same moment.
func (e *expected) expect(believed uint64, now time.Time) {
	switch {
	case e.at.IsZero():
		e.least, e.later, e.at = min(believed, 1), believed, now
		if believed > maxSkew {
			e.least = believed - maxSkew
		}
	case now.Sub(e.at) >= askInterval/2:
		e.least, e.later, e.at = e.later, believed, now
	}
}

// compareBlocks asks for the hashes of one height that all nodes have which are
// caught up, and for those at which the others are.
func (f *follower) compareBlocks() {
	var common uint64
	for _, n := range f.nodes {
		if n.abreast && (common == 0 || n.status.Height < common) {
			common = n.status.Height
		}
	}
	references := 0
	for _, n := range f.nodes {
		switch {
		case n.status == nil || common == 0:
		case n.status.Height > common:
			f.askBlock(n, common)
		case n.status.Height < common && n.status.Height > 0 && references < maxReferences && f.voice != nil:
			references++
			f.askBlock(f.voice, n.status.Height)
		}
		n.blocks = nil
	}
}

// askBlock asks a node for the hash of one of its blocks.
func (f *follower) askBlock(n *node, height uint64) {
	c := n.client
	if c == nil {
		return
	}
	f.ask(func(ctx context.Context) func() {
		winners, err := c.WinnersUpTo(ctx, height, 1)
		return func() {
			if err != nil || len(winners) != 1 || winners[0].Height != height || n.client != c {
				return // the next round asks again
			}
			blocks := map[uint64]types.Hash{height: winners[0].Hash}
			for h, hash := range n.blocks {
				blocks[h] = hash
			}
			n.blocks, f.soon = blocks, true
		}
	})
}
