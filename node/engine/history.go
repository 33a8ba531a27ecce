package engine

import (
	"fmt"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// The first byte of a key says what is stored under it; package heights has more.
const (
	keyName    = 'n' // + key: the name of a validator that joined after genesis
	keySession = 's' // + session: the secret of a guest hosted here
	keyBase    = 'b' // the header of the block whose state was installed last
)

// history reads what was kept of committed heights; it may be used by several
// goroutines at once.
type history struct{ store storage.Store }

func (h history) info(height uint64) (heights.Info, error) {
	raw, ok, err := h.store.Aux(heights.InfoKey(height))
	if err != nil {
		return heights.Info{}, err
	}
	if oldest := h.store.Oldest(); !ok && height < oldest {
		return heights.Info{}, gone(height, oldest)
	}
	if !ok {
		return heights.Info{}, fmt.Errorf("nothing is kept of height %d: %w", height, errDamaged)
	}
	info, err := heights.DecodeInfo(raw)
	if err != nil {
		return heights.Info{}, fmt.Errorf("what is kept of height %d: %w: %w", height, err, errDamaged)
	}
	return info, nil
}

// base returns the header of the block whose state was installed, which must be
// of this height.
func (h history) base(height uint64) (*types.Header, error) {
	raw, _, err := h.store.Aux([]byte{keyBase})
	if err != nil {
		return nil, err
	}
	header, err := types.DecodeHeader(raw)
	if err != nil || header.Height != height {
		return nil, fmt.Errorf("the header of height %d, whose state was installed, cannot be read: %w", height, errDamaged)
	}
	return header, nil
}

// header returns that of a block which is kept, or of the one whose state was
// installed below the oldest.
func (h history) header(height uint64) (*types.Header, error) {
	if height+1 == h.store.Oldest() {
		return h.base(height)
	}
	block, _, err := readBlock(h.store, height)
	if err != nil {
		return nil, err
	}
	return &block.Header, nil
}

// gone is the answer to whoever asks for a height that is kept no more.
func gone(height, oldest uint64) error {
	return message.Errorf(message.StatusNotFound, "this node does not keep block %d: the oldest that it has is block %d; ask a node that keeps all blocks", height, oldest)
}

// whole fails where a folder lacks what belongs to its oldest block. A log that is
// gone, file and all, may take the first blocks with it; the rest looks like a chain
// whose old blocks were let go of, but for what they brought and is never let go of.
func (h history) whole() error {
	oldest := h.store.Oldest()
	if oldest > h.store.Head() {
		return nil
	}
	info, err := h.info(oldest)
	if err != nil {
		return err
	}
	_, err = h.participants(info.Participants)
	return err
}

var errDamaged = heights.ErrDamaged

func (h history) participants(hash types.Hash) ([]ledger.Participant, error) {
	raw, ok, err := h.store.Aux(heights.ParticipantsKey(hash))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("participants %s are not kept: %w", hash.Short(), errDamaged)
	}
	list, err := heights.DecodeParticipants(raw)
	if err != nil {
		return nil, fmt.Errorf("participants %s: %w: %w", hash.Short(), err, errDamaged)
	}
	return list, nil
}

// set returns the validators that have a hash; 404 where they are not kept.
func (h history) set(hash types.Hash) (*types.ValidatorSet, error) {
	set, err := heights.Set(h.store, hash)
	if err == nil && set == nil {
		err = message.Errorf(message.StatusNotFound, "this node has not kept the validators with hash %s", hash)
	}
	return set, err
}

// handovers returns the heights, from one on, whose validators handed over to
// others, at most limit.
func (h history) handovers(from uint64, limit int) ([]heights.Handover, error) {
	return heights.Handovers(h.store, from, limit)
}
