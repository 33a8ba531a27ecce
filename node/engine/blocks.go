package engine

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

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

// errUnasked is what is wrong with an answer that nobody waits for: it is not
// even looked at.
var errUnasked = errors.New("an answer that was not asked for")

// fetched is a certified block whose records' signatures were checked.
type fetched struct {
	certified
	records []types.VerifiedRecord
}

// receiveBlocks checks the signatures of fetched records on the link's own
// goroutine, then lets the main loop apply the blocks in order.
func (e *Engine) receiveBlocks(from types.PublicKey, payload []byte) error {
	if !e.fetch.answered(from) {
		return errUnasked
	}
	blocks, err := e.openBlocks(payload)
	e.call(func() { e.applyFetched(from, blocks) }) // the sound ones before the first error are used
	return err
}

// openBlocks decodes fetched blocks and checks their records' signatures; with
// an error come those before the first that is wrong.
func (e *Engine) openBlocks(payload []byte) ([]fetched, error) {
	list, err := decodeBlocks(payload)
	if err != nil {
		return nil, err
	}
	var out []fetched
	for _, c := range list {
		records, errs := e.verify(c.Block.Records)
		if err := validity.RecordsFault(c.Block.Header.Height, errs); err != nil {
			return out, err
		}
		out = append(out, fetched{c, records})
	}
	return out, nil
}

// applyFetched commits fetched blocks that follow the head, each vouched for by
// its certificate.
func (e *Engine) applyFetched(from types.PublicKey, blocks []fetched) {
	before := e.chain.head.Height
	for _, b := range blocks {
		if b.Block.Header.Height != e.chain.head.Height+1 {
			continue // it was decided meanwhile
		}
		if err := e.applyCertified(b); err != nil {
			e.metrics.rejected.Inc()
			e.warn("a fetched block is not valid", from.Short(), "height", b.Block.Header.Height, "reason", err)
			break
		}
		if e.stopping() {
			return
		}
	}
	after := e.chain.head.Height
	if after > before {
		e.log.Info("caught up", "from", before, "to", after)
		e.lastCommit = e.headTime()
		for _, event := range e.nextHeight() {
			e.step(event)
		}
	}
	e.fetch.ended(e, from, after > before)
}

// applyCertified commits a block whose certificate is that of a quorum of its
// height. Its errors are the peer's fault. That a quorum decided what does not
// follow upon this node's chain is not: then this node cannot go on.
func (e *Engine) applyCertified(b fetched) error {
	hash := b.Block.Header.Hash()
	if err := validity.CheckCertificate(e.network, b.Block.Header.Height, hash, e.chain.next.Set, b.Certificate); err != nil {
		return err
	}
	x := e.works.find(hash).executed
	if x == nil {
		var err error
		if x, err = e.chain.execute(b.Block.Header, b.records); err != nil {
			e.die(fmt.Errorf("a quorum decided a block that does not follow upon the chain of this node: %w: "+
				"the data folder is damaged, or the programs differ; start with an empty folder, and the program the others run", err))
			return nil
		}
	}
	if err := e.commit(x, b.rawBlock, b.Certificate); err != nil {
		e.die(err)
	}
	return nil
}
