package engine

import (
	"sync"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

const (
	// fetchPatience is how long a peer has to answer before another is asked. An
	// answer that comes later is used all the same.
	fetchPatience = 3 * time.Second
	// fetchSoon is how long a node that is a block or two behind waits, at most, for
	// the votes that are surely on their way, before it asks for the blocks; and how
	// long it waits after an answer that was of no use.
	fetchSoon = 100 * time.Millisecond
	// fetchSooner is how long it waits at least, where blocks follow upon each other
	// quickly.
	fetchSooner = 20 * time.Millisecond
	// fetchNear is how many blocks count as a block or two.
	fetchNear = 2
	// doubtPause is how soon a peer is asked again that tells of blocks and did
	// not give them, where nobody else has any.
	doubtPause = 5 * time.Second
)

// maxPending is how many answers may wait to be applied for the next to be asked
// for: one is applied while another's signatures are checked.
const maxPending = 2

// fetcher asks peers, one at a time, for certified blocks while the node is
// behind. It belongs to the main loop, but for answered.
type fetcher struct {
	from    types.PublicKey // who is asked now
	asked   time.Time       // when; zero: nobody is
	head    uint64          // what the head was then
	pending int             // answers that have come and are not applied yet
	turn    int
	looks   uint64                        // a look at whether to ask is due if the head stays below this height; 0: none
	doubts  map[types.PublicKey]time.Time // who told of blocks and did not give them, and when

	mu       sync.Mutex
	expected map[types.PublicKey]bool // whose answer may come
}

// answered takes a peer's answer for given: it reports whether one was expected.
func (f *fetcher) answered(peer types.PublicKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.expected[peer]
	delete(f.expected, peer)
	return was
}

func (f *fetcher) expect(peer types.PublicKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.expected == nil {
		f.expected = map[types.PublicKey]bool{}
	}
	f.expected[peer] = true
}

// expects reports whether a peer's answer is still to come.
func (f *fetcher) expects(peer types.PublicKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.expected[peer]
}

// notice looks at what is to be done about a height that a peer told of.
func (f *fetcher) notice(e *Engine, height uint64) {
	switch head := e.chain.head.Height; {
	case height > head+fetchNear:
		f.advance(e)
	case height > head:
		f.after(e, min(max(e.lastTook, fetchSooner), fetchSoon))
	}
}

// soon looks in a moment whether blocks have to be asked for.
func (f *fetcher) soon(e *Engine) { f.after(e, fetchSoon) }

// after looks after a while whether blocks have to be asked for: if by then the
// head has moved on by itself, no.
func (f *fetcher) after(e *Engine, wait time.Duration) {
	missing := e.chain.head.Height + 1
	if f.looks == missing {
		return
	}
	f.looks = missing
	time.AfterFunc(wait, func() {
		e.call(func() {
			if f.looks == missing {
				f.looks = 0
			}
			if e.chain.head.Height < missing {
				f.advance(e)
			}
		})
	})
}

// advance asks somebody for blocks, if there is reason to, nobody is asked yet and
// nothing waits to be applied.
func (f *fetcher) advance(e *Engine) {
	f.forgive(e)
	e.join.advance(e)
	switch {
	case !f.asked.IsZero() && (time.Since(f.asked) < fetchPatience || !f.expects(f.from)):
		return // the answer may come, or is here and about to be looked at
	case !f.asked.IsZero():
		f.useless(e)
	case f.pending > 0:
		return
	}
	if peer, ok := f.choose(e); ok {
		f.ask(e, peer, e.chain.head.Height+1)
	}
}

// ask asks a peer for blocks from a height on.
func (f *fetcher) ask(e *Engine, peer types.PublicKey, height uint64) {
	f.expect(peer)
	if e.options.Links.Send(peer, p2p.KindBlocksWanted, encodeBlocksWanted(height)) {
		f.from, f.asked, f.head = peer, time.Now(), e.chain.head.Height
	}
}

// came notes that an answer is here, up to a height, 0 if it is of no use. While
// its signatures are checked and its blocks applied, the same peer gets the next
// ready.
func (f *fetcher) came(e *Engine, from types.PublicKey, last uint64) {
	f.pending++
	if from != f.from || f.asked.IsZero() {
		return // it was given up already
	}
	f.asked = time.Time{}
	if last > e.chain.head.Height && last < e.peers.height(from) && f.pending <= maxPending {
		f.ask(e, from, last+1)
	}
}

// choose returns the next peer in turn that tells of more blocks; after all
// others, and not often, one that told so before and gave none. The block of a
// certificate that is here may be with anybody.
func (f *fetcher) choose(e *Engine) (peer types.PublicKey, ok bool) {
	peers := e.linked()
	f.turn++
	for i := range peers {
		p := peers[(f.turn+i)%len(peers)]
		if e.peers.height(p) <= e.chain.head.Height && e.undecided == nil {
			continue
		}
		if e.peers.has(p).oldest > e.chain.head.Height+1 {
			continue // it keeps them no more
		}
		since, doubted := f.doubts[p]
		switch {
		case !doubted:
			return p, true
		case time.Since(since) >= doubtPause:
			peer, ok = p, true
		}
	}
	return peer, ok
}

// useless ends the asking without a block; whoever told of more is doubted.
func (f *fetcher) useless(e *Engine) {
	f.asked = time.Time{}
	if e.chain.head.Height > f.head || e.peers.height(f.from) <= e.chain.head.Height {
		return // it came from elsewhere meanwhile, or was not promised
	}
	if f.doubts == nil {
		f.doubts = map[types.PublicKey]time.Time{}
	}
	f.doubts[f.from] = time.Now()
	e.checkReadiness()
}

// forgive forgets doubts about peers that tell of no more than is here. Who is
// gone is doubted still when it comes back.
func (f *fetcher) forgive(e *Engine) {
	for peer := range f.doubts {
		if height := e.peers.height(peer); height > 0 && height <= e.chain.head.Height {
			delete(f.doubts, peer)
		}
	}
}

// lost notes that a peer is gone: its answer will not come.
func (f *fetcher) lost(e *Engine, peer types.PublicKey) {
	f.answered(peer)
	if peer == f.from && !f.asked.IsZero() {
		f.asked = time.Time{}
		f.advance(e)
	}
}

// ended takes note of what a peer's answer was good for, and goes on.
func (f *fetcher) ended(e *Engine, from types.PublicKey, useful bool) {
	f.pending--
	if useful {
		delete(f.doubts, from)
	}
	if from != f.from {
		return // it was given up already
	}
	if !useful {
		f.useless(e)
		f.soon(e)
		return
	}
	if f.asked.IsZero() {
		f.turn-- // whoever has more goes on
		f.advance(e)
	}
}
