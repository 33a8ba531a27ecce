package rpc

import (
	"context"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// maxBlocksRecords is how many records the blocks of one answer hold together,
// unless a single block has more: it keeps the answer within MaxAnswerBytes.
const maxBlocksRecords = types.MaxBlockRecords

func runBlocks(ctx context.Context, s *Server, a *arguments) (any, error) {
	start := a.integer("start", 0, -int64(types.MaxAmount), int64(types.MaxAmount))
	limit := a.integer("limit", message.DefaultBlocks, 1, message.MaxBlocks)
	options := a.blockOptions()
	if a.err != nil {
		return nil, a.err
	}
	head := s.backend.Head()
	if start < 0 {
		start = max(0, int64(head)+start, int64(s.backend.Oldest())-1)
	}
	out := message.Blocks{Blocks: []message.Block{}, Next: uint64(start)}
	records := 0
	for out.Next < head && len(out.Blocks) < int(limit) {
		block, err := s.block(ctx, out.Next+1, options)
		if err != nil {
			return nil, err
		}
		if records += len(block.Items); records > maxBlocksRecords && len(out.Blocks) > 0 {
			break
		}
		out.Blocks = append(out.Blocks, block)
		out.Next++
	}
	return out, nil
}

func runBlock(ctx context.Context, s *Server, a *arguments) (any, error) {
	height := a.integer("height", 0, -int64(types.MaxAmount), int64(types.MaxAmount))
	options := a.blockOptions()
	if a.err != nil {
		return nil, a.err
	}
	head := s.backend.Head()
	if height < 0 {
		height += int64(head) + 1
	}
	switch {
	case height == 0 && a.values["height"][0] == '0':
		return nil, message.Errorf(message.StatusNotFound, "Height 0 is genesis, which is no block: the first block has height 1")
	case height < 1 || height > int64(head):
		return nil, message.Errorf(message.StatusNotFound, "There is no block at height %s: the newest has height %d", a.values["height"], head)
	}
	return s.block(ctx, uint64(height), options)
}

func (a *arguments) blockOptions() message.BlockOptions {
	return message.BlockOptions{IDs: a.boolean("ids"), Certified: a.boolean("certified")}
}

// block returns the JSON form of a committed block.
func (s *Server) block(ctx context.Context, height uint64, o message.BlockOptions) (message.Block, error) {
	b, certificate, err := s.backend.Block(ctx, height)
	if err != nil {
		return message.Block{}, err
	}
	return message.NewBlock(b, certificate, s.backend.Name(b.Header.Proposer), o), nil
}

func runProof(ctx context.Context, s *Server, a *arguments) (any, error) {
	id := a.hash("id")
	if a.err != nil {
		return nil, a.err
	}
	fate, err := s.backend.Record(ctx, id)
	if err != nil {
		return nil, err
	}
	if fate.State != message.Committed {
		return nil, message.Errorf(message.StatusNotFound, "The record %s is %s: only a committed one has a proof", id, fate.State)
	}
	b, certificate, err := s.backend.Block(ctx, fate.Height)
	if err != nil {
		return nil, err
	}
	set, err := s.backend.ValidatorSet(ctx, fate.Height)
	if err != nil {
		return nil, err
	}
	path := types.MerkleProof(b.IDs(), int(fate.Index))
	return message.Proof{
		ID: id, Height: fate.Height, Index: fate.Index, Count: b.Header.Records, Root: b.Header.RecordsRoot,
		Path: listed(path), Header: message.NewHeader(&b.Header), Certificate: certificate, Validators: set.List(),
	}, nil
}
