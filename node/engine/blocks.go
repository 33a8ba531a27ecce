package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// answerBlocks sends a peer certified blocks from a height on.
func (e *Engine) answerBlocks(from types.PublicKey, payload []byte) error {
	start, err := decodeBlocksWanted(payload)
	if err != nil {
		return err
	}
	start = max(start, 1)
	var pairs [][2][]byte
	size := 0
	err = e.options.Data.Store.Blocks(start, func(height uint64, block, certificate []byte) bool {
		if height != start+uint64(len(pairs)) {
			return false // it is kept no more
		}
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

// fetched is a certified block whose signatures were checked, those of its records
// and of its certificate. Whether the certificate is that of a quorum of the
// block's height only the chain can tell.
type fetched struct {
	certified
	records []types.VerifiedRecord
}

// receiveBlocks decodes fetched blocks and checks all signatures on the link's own
// goroutine, then lets the main loop apply the blocks in order. Meanwhile the
// peer is asked for more.
func (e *Engine) receiveBlocks(from types.PublicKey, payload []byte) error {
	if !e.fetch.answered(from) {
		return errUnasked
	}
	list, err := decodeBlocks(payload)
	last := uint64(0)
	if len(list) > 0 && err == nil {
		last = list[len(list)-1].Block.Header.Height
	}
	e.call(func() { e.fetch.came(e, from, last) })
	blocks, wrong := e.openBlocks(list)
	e.call(func() { e.applyFetched(from, blocks) }) // the sound ones before the first error are used
	return errors.Join(err, wrong)
}

// openBlocks checks the signatures of fetched blocks; with an error come the
// blocks before the first that is wrong.
func (e *Engine) openBlocks(list []certified) ([]fetched, error) {
	var all []*types.Record
	certificates := make([]*types.Certificate, len(list))
	for i, c := range list {
		all = append(all, c.Block.Records...)
		certificates[i] = c.Certificate
	}
	verified, errs := e.verifyWide(all)
	certErrs := types.VerifyCertificates(e.network, certificates)
	out := make([]fetched, 0, len(list))
	for i, c := range list {
		n := len(c.Block.Records)
		if err := validity.RecordsFault(c.Block.Header.Height, errs[:n]); err != nil {
			return out, err
		}
		if certErrs[i] != nil {
			return out, certErrs[i]
		}
		out = append(out, fetched{c, verified[:n:n]})
		verified, errs = verified[n:], errs[n:]
	}
	return out, nil
}

// Fetched blocks are written to disk in groups: one sync for all of a group. A
// group is so small that readers of the chain wait for it no longer than for a
// large block.
const (
	maxGroupBlocks  = 64
	maxGroupRecords = 4_000
)

// applyFetched commits fetched blocks that follow the head, each vouched for by
// its certificate.
func (e *Engine) applyFetched(from types.PublicKey, blocks []fetched) {
	before := e.chain.head.Height
	for len(blocks) > 0 {
		n, wrong := e.applyGroup(blocks)
		if e.stopping() {
			return
		}
		if wrong != nil {
			e.metrics.rejected.Inc()
			e.warn("a fetched block is not valid", from.Short(), "height", e.chain.head.Height+1, "reason", wrong)
			break
		}
		blocks = blocks[n:]
	}
	after := e.chain.head.Height
	if after > before {
		e.log.Info("caught up", "from", before, "to", after)
		e.lastCommit = e.headTime()
		e.step(e.nextHeight())
	}
	e.fetch.ended(e, from, after > before)
}

// group is fetched blocks that the chain has in memory, and what they change on disk.
type group struct {
	blocks  []decided
	changes []storage.Commit
	records int
}

func (g *group) full() bool { return len(g.blocks) >= maxGroupBlocks || g.records >= maxGroupRecords }

// applyGroup commits the first of fetched blocks, as many as make up a group, and
// returns how many it has looked at. Its error is the peer's fault; the blocks
// before the one that is wrong are committed.
func (e *Engine) applyGroup(blocks []fetched) (n int, wrong error) {
	began := time.Now()
	var g group
	e.mu.Lock()
	n, wrong, err := e.advanceBy(&g, blocks)
	if err == nil && len(g.changes) > 0 {
		err = e.publish(g.changes, g.blocks...)
	}
	if err != nil {
		e.die(err) // before anybody reads what is not on disk
	}
	e.mu.Unlock()
	if err == nil && len(g.blocks) > 0 {
		err = e.committed(began, g.blocks...)
	}
	if err != nil {
		e.die(err)
	}
	return n, wrong
}

// advanceBy brings the chain forward in memory until the group is full. wrong is
// the peer's fault, fatal is not.
func (e *Engine) advanceBy(g *group, blocks []fetched) (n int, wrong, fatal error) {
	for _, b := range blocks {
		if g.full() || n > 0 && e.keeper.due(e.chain.settled()) {
			break
		}
		n++
		if b.Block.Header.Height != e.chain.head.Height+1 {
			continue // it was decided meanwhile
		}
		if wrong = validity.CheckQuorum(b.Block.Header.Height, b.Block.Header.Hash(), e.chain.next.Set, b.Certificate); wrong != nil {
			break
		}
		x, err := e.executeCertified(b)
		if err != nil {
			return n, nil, err
		}
		change, err := e.chain.advance(x, b.rawBlock, b.rawCert)
		if err != nil {
			return n, nil, err
		}
		g.blocks, g.changes = append(g.blocks, decided{x, b.rawBlock, b.Certificate}), append(g.changes, change)
		g.records += len(b.records)
	}
	return n, wrong, nil
}

// executeCertified executes a block that a quorum decided. If it does not follow
// upon this node's chain, this node cannot go on.
func (e *Engine) executeCertified(b fetched) (*executed, error) {
	if x := e.works.find(b.Certificate.Block).executed; x != nil {
		return x, nil
	}
	x, err := e.chain.execute(b.Block.Header, b.records)
	if err != nil {
		return nil, fmt.Errorf("a quorum decided a block that does not follow upon the chain of this node: %w: "+
			"the data folder is damaged, or the programs differ; start with an empty folder, and the program the others run", err)
	}
	return x, nil
}
