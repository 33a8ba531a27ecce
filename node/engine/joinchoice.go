package engine

import (
	"errors"
	"time"

	"github.com/posnet/posnet/node/types"
)

const (
	// snapshotDoubt is how long a peer is not asked again whose snapshot was of no
	// use; each further time is twice as long, up to maxSnapshotDoubt, so that one
	// that is of no use again and again costs ever less.
	snapshotDoubt    = time.Minute
	maxSnapshotDoubt = 16 * time.Minute
	// noOfferPause is how soon a peer is asked again that had nothing to offer: it
	// may have had too many others to serve.
	noOfferPause = 10 * time.Second
	// lackPatience is how long a node that is behind looks for somebody who has the
	// blocks it needs, before it goes on from a snapshot without them: peers that
	// have them may just be starting too.
	lackPatience = 5 * time.Second
	// stallPatience is how long it waits for blocks that somebody says to have.
	stallPatience = time.Minute
	// archivePatience is how long a node that is to keep all blocks waits while
	// somebody may have them. To wait loses nothing; a snapshot takes the place of
	// all the blocks that are here.
	archivePatience = 30 * time.Minute
)

// snapshotDoubts is about peers whose snapshots were of no use.
type snapshotDoubts map[types.PublicKey]snapshotDoubted

type snapshotDoubted struct {
	until time.Time
	last  time.Duration
}

func (d snapshotDoubts) about(peer types.PublicKey) bool { return time.Now().Before(d[peer].until) }

func (d snapshotDoubts) add(peer types.PublicKey) {
	last := min(max(snapshotDoubt, 2*d[peer].last), maxSnapshotDoubt)
	d[peer] = snapshotDoubted{time.Now().Add(last), last}
}

// pass leaves a peer alone for a moment, without a doubt about it.
func (d snapshotDoubts) pass(peer types.PublicKey) {
	d[peer] = snapshotDoubted{time.Now().Add(noOfferPause), d[peer].last}
}

// stall is since when a node has been behind and had no block.
type stall struct {
	head  uint64
	since time.Time // zero: it is not behind
}

// choose returns a peer to take a snapshot from. That is called for where this
// node would not keep the blocks below it, and where it waits for blocks in vain.
// What a single peer says of its snapshot is no reason: it may be none. Each node
// begins to look with another peer, so that those who start together do not all ask
// the same.
func (j *joiner) choose(e *Engine) (peer types.PublicKey, ok bool) {
	head, keep := e.chain.head.Height, e.options.Config.Storage.KeepBlocks
	_, sure := e.claimed()
	lacks := j.lacks(e)
	peers := e.linked()
	for i := range peers {
		p := peers[(i+int(e.self[0]))%len(peers)]
		snapshot := e.peers.has(p).snapshot
		if snapshot <= head || j.doubts.about(p) {
			continue
		}
		if keep > 0 && snapshot <= sure && snapshot-head > keep {
			return p, true
		}
		if !ok {
			peer, ok = p, true
		}
	}
	if lacks && !ok {
		e.warn("no peer has the blocks that this node needs any more, nor a snapshot of the state: it waits for the next one", "peers",
			"needed", head+1, "every", e.keeper.every)
	}
	return peer, ok && lacks
}

// lacks reports whether this node has waited in vain for the blocks it needs.
func (j *joiner) lacks(e *Engine) bool {
	head := e.chain.head.Height
	behind, said, hoped := e.blocksAbove(head)
	if !behind || head != j.stall.head {
		j.stall = stall{head: head}
	}
	if !behind {
		return false
	}
	if j.stall.since.IsZero() {
		j.stall.since = time.Now()
	}
	waited, patience := time.Since(j.stall.since), lackPatience
	switch archive := e.options.Config.Storage.KeepBlocks == 0; {
	case archive && (said || hoped):
		patience = archivePatience
	case said:
		patience = stallPatience
	}
	if waited > stallPatience && waited <= patience {
		e.warn("this node keeps all blocks, and a peer that is away or slow may have those it needs: it waits for them, so as not to go on from a snapshot without them",
			"peers", "needed", head+1, "longest", archivePatience)
	}
	return waited > patience
}

// blocksAbove tells whether peers are ahead of a head, whether one of them says
// that it has the next block and is not known to say so in vain, and whether
// there is hope all the same: a peer that has been slow, or, where this node has
// blocks to lose, a configured one that has not said what it has.
func (e *Engine) blocksAbove(head uint64) (behind, said, hoped bool) {
	gone := map[types.PublicKey]bool{}
	for _, p := range e.linked() {
		oldest := e.peers.has(p).oldest
		gone[p] = oldest > head+1
		if e.peers.height(p) <= head {
			continue
		}
		_, doubted := e.fetch.doubts[p]
		behind = behind || !doubted
		said = said || !doubted && !gone[p]
		hoped = hoped || !gone[p]
	}
	for _, p := range e.options.Config.Peers {
		hoped = hoped || head > 0 && !gone[p.Key]
	}
	return behind, said, hoped
}

// slow reports whether the peer that is asked has had all the time it gets.
func (j *joiner) slow() error {
	switch credit := time.Duration(j.got) * time.Second / snapshotRate; {
	case time.Since(j.asked) >= snapshotPatience:
		return errors.New("it does not answer")
	case time.Since(j.began) >= snapshotPatience+credit:
		return errors.New("it is too slow")
	}
	return nil
}
