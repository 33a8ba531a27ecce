package engine

import (
	"fmt"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

const (
	// fetchPatience is how long a peer has to answer before another is asked.
	fetchPatience = 2 * time.Second
	// fetchSoon is how long a node that is a block or two behind waits for the
	// votes that are surely on their way, before it asks for the blocks.
	fetchSoon = 100 * time.Millisecond
	// fetchNear is how many blocks count as a block or two.
	fetchNear = 2
)

// fetcher asks peers for certified blocks while the node is behind. It belongs
// to the main loop.
type fetcher struct {
	target uint64          // the highest height anybody told of
	from   types.PublicKey // who is asked now
	asked  time.Time       // zero: nobody is
	turn   int
}

// behind notes that a peer has height, and begins to fetch if need be.
func (f *fetcher) behind(e *Engine, peer types.PublicKey, height uint64) {
	head := e.chain.head.Height
	f.target = max(f.target, height)
	if height <= head || !f.asked.IsZero() {
		return
	}
	if height <= head+fetchNear {
		time.AfterFunc(fetchSoon, func() {
			e.call(func() {
				if e.chain.head.Height == head && f.asked.IsZero() {
					f.ask(e, peer)
				}
			})
		})
		return
	}
	f.ask(e, peer)
}

// want fetches the block of a height that was decided without being here.
func (f *fetcher) want(e *Engine, height uint64) {
	if height <= e.chain.head.Height {
		return
	}
	f.target = max(f.target, height)
	if f.asked.IsZero() {
		f.askNext(e)
	}
}

func (f *fetcher) ask(e *Engine, peer types.PublicKey) {
	if e.options.Links.Send(peer, p2p.KindBlocksWanted, encodeBlocksWanted(e.chain.head.Height+1)) {
		f.from, f.asked = peer, time.Now()
		time.AfterFunc(fetchPatience, func() { e.call(func() { f.check(e) }) })
	}
}

// askNext asks the next linked peer in turn, one that is known to have more
// first.
func (f *fetcher) askNext(e *Engine) {
	f.asked = time.Time{}
	peers := e.linked()
	for range peers {
		f.turn++
		peer := peers[f.turn%len(peers)]
		if s, ok := e.peers.get(peer); ok && s.Height > e.chain.head.Height {
			f.ask(e, peer)
			return
		}
	}
	if len(peers) > 0 && e.undecided != nil {
		f.ask(e, peers[f.turn%len(peers)])
	}
}

// check asks again where an answer is overdue.
func (f *fetcher) check(e *Engine) {
	switch {
	case f.target <= e.chain.head.Height:
		f.asked = time.Time{}
	case f.asked.IsZero() || time.Since(f.asked) >= fetchPatience:
		f.askNext(e)
	}
}

// answerBlocks sends a peer certified blocks from a height on.
func (e *Engine) answerBlocks(from types.PublicKey, payload []byte) error {
	start, err := decodeBlocksWanted(payload)
	if err != nil {
		return err
	}
	var pairs [][2][]byte
	size := 0
	err = e.options.Data.Store.Blocks(start, func(_ uint64, block, certificate []byte) bool {
		size += len(block) + len(certificate)
		if len(pairs) > 0 && (size > maxBlocksBytes || len(pairs) == maxBlocksPerAnswer) {
			return false
		}
		pairs = append(pairs, [2][]byte{block, certificate})
		return true
	})
	if err != nil {
		return err
	}
	e.options.Links.Send(from, p2p.KindBlocksFound, encodeBlocks(pairs))
	return nil
}

// receiveBlocks checks the signatures of fetched records on the link's own
// goroutine, then lets the main loop apply the blocks in order.
func (e *Engine) receiveBlocks(from types.PublicKey, payload []byte) error {
	blocks, err := decodeBlocks(payload)
	if err != nil {
		return err
	}
	verified := make([][]types.VerifiedRecord, len(blocks))
	for i, b := range blocks {
		var errs []error
		verified[i], errs = e.verify(b.Block.Records)
		for k, err := range errs {
			if err != nil {
				return fmt.Errorf("block %d, record %d: %w", b.Block.Header.Height, k, err)
			}
		}
	}
	e.call(func() { e.applyFetched(from, blocks, verified) })
	return nil
}

// applyFetched commits fetched blocks that follow the head, each vouched for by
// its certificate.
func (e *Engine) applyFetched(from types.PublicKey, blocks []certified, verified [][]types.VerifiedRecord) {
	before := e.chain.head.Height
	for i, b := range blocks {
		if b.Block.Header.Height != e.chain.head.Height+1 {
			continue
		}
		if err := e.applyCertified(b, verified[i]); err != nil {
			e.log.Warn("a fetched block is not valid", "peer", from.Short(), "height", b.Block.Header.Height, "reason", err)
			break
		}
		if e.Err() != nil {
			return
		}
	}
	if e.chain.head.Height > before {
		e.log.Info("caught up", "from", before, "to", e.chain.head.Height, "target", e.fetch.target)
		for _, event := range e.nextHeight() {
			e.step(event)
		}
	}
	if from == e.fetch.from {
		e.fetch.asked = time.Time{}
	}
	switch {
	case e.fetch.target <= e.chain.head.Height:
	case e.chain.head.Height > before && from == e.fetch.from:
		e.fetch.ask(e, from)
	default:
		e.fetch.askNext(e)
	}
}

func (e *Engine) applyCertified(b certified, records []types.VerifiedRecord) error {
	hash := b.Block.Header.Hash()
	if b.Certificate.Block != hash || b.Certificate.Height != b.Block.Header.Height {
		return fmt.Errorf("its certificate is of another block")
	}
	if err := b.Certificate.Verify(e.network, e.chain.next.set); err != nil {
		return err
	}
	x := e.ran[hash]
	if x == nil {
		var err error
		if x, err = e.chain.execute(b.Block.Header, records); err != nil {
			return err
		}
	}
	if err := e.commit(x, b.rawBlock, b.Certificate); err != nil {
		e.die(err)
	}
	return nil
}
