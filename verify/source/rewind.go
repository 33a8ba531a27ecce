package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// handoverPage is how many handovers are read at a time.
const handoverPage = 256

// Start implements Source. The state before the oldest block is made of the stored
// one, by taking block after block back.
func (f *Folder) Start(ctx context.Context, g *genesis.Genesis) (*Start, error) {
	s := &Start{Height: f.Oldest()}
	for from := uint64(1); ; {
		page, err := heights.Handovers(f.kept, from, handoverPage)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.dir, err)
		}
		s.Handovers = append(s.Handovers, page...)
		if len(page) < handoverPage {
			break
		}
		from = page[len(page)-1].Header.Height + 1
	}
	oldest, err := f.block(s.Height)
	if err != nil {
		return nil, err
	}
	s.Prev = oldest.Header.Prev
	if s.Seed, err = f.seed(s.Height); err != nil {
		return nil, err
	}
	first, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	err = f.rewind(ctx, g, s, first)
	if errors.As(err, &s.Wrong) { // the blocks are looked at first, without the state
		s.State, s.Lacks = nil, s.Wrong.What
		return s, nil
	}
	return s, err
}

func (f *Folder) block(height uint64) (*types.Block, error) {
	raw, _, err := f.kept.Block(height)
	if err == nil {
		var b *types.Block
		if b, err = types.DecodeBlock(raw); err == nil {
			return b, nil
		}
	}
	return nil, &validity.Fault{Height: height, Where: "block", What: err.Error()}
}

// seed returns the beacon's value of a height.
func (f *Folder) seed(height uint64) (lottery.Seed, error) {
	raw, ok, err := f.kept.Aux(heights.InfoKey(height))
	if err == nil && !ok {
		err = fmt.Errorf("the folder %s is damaged, or was not written by a node: nothing is kept of height %d beside its block", f.dir, height)
	}
	if err != nil {
		return lottery.Seed{}, err
	}
	info, err := heights.DecodeInfo(raw)
	if err != nil {
		return lottery.Seed{}, fmt.Errorf("the folder %s is damaged: what is kept of height %d beside its block cannot be read: %w", f.dir, height, err)
	}
	return info.Seed, nil
}

// rewind sets the start's state to the oldest that the stored one leads back to.
func (f *Folder) rewind(ctx context.Context, g *genesis.Genesis, s *Start, first *types.ValidatorSet) error {
	r := &rewinding{folder: f, genesis: g, sets: func(height uint64) *types.ValidatorSet { return s.Handovers.Set(first, height) }}
	stuck, err := r.to(ctx, s.Height-1)
	if err != nil {
		return err
	}
	if stuck == nil {
		s.State = r.state
		return nil
	}
	s.Lacks = fmt.Sprintf("block %d cannot be taken back from the state after it (%v)", stuck.height, stuck.reason)
	if !g.Params.Guests {
		s.Wrong = &validity.Fault{Height: stuck.height, Where: "stored state", What: s.Lacks}
	}
	if stuck.height == f.Head() {
		return nil // nothing tells whether that state is the right one
	}
	if _, err := r.to(ctx, stuck.height); err != nil {
		return err
	}
	s.State = r.state
	return nil
}

// rewinding takes blocks back from a folder's state.
type rewinding struct {
	folder  *Folder
	genesis *genesis.Genesis
	sets    func(height uint64) *types.ValidatorSet
	state   *ledger.State
}

// stuck is a block that could not be taken back.
type stuck struct {
	height uint64
	reason error
}

// to makes the state that after a height: each on the way has the digest that the
// block above it binds.
func (r *rewinding) to(ctx context.Context, height uint64) (*stuck, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	for r.state.Height() > height && ctx.Err() == nil {
		at := r.state.Height()
		b, err := r.folder.block(at)
		if err != nil {
			return nil, err
		}
		seed, err := r.folder.seed(at)
		if err != nil {
			return nil, err
		}
		if err := r.state.Revert(b, seed, r.sets(at)); err != nil {
			return &stuck{at, err}, nil
		}
		if want, digest := b.Header.State, r.state.Digest(); want != digest {
			return &stuck{at, fmt.Errorf("its header binds the digest %s, and what comes of it has %s", want.Short(), digest.Short())}, nil
		}
	}
	return nil, ctx.Err()
}

// begin reads the stored state, which must have the digest that the block above it
// binds, if there is one.
func (r *rewinding) begin() (err error) {
	head := r.folder.Head()
	bad := func(height uint64, what, expected, found string) error {
		return &validity.Fault{Height: height, Where: "stored state", What: what, Expected: expected, Found: found}
	}
	if r.state, err = ledger.Load(r.genesis, r.folder.kept.State); err != nil {
		return bad(head, err.Error(), "", "")
	}
	switch at := r.state.Height(); {
	case at == head:
		return nil
	case at+1 != head:
		return bad(head, fmt.Sprintf("it is of height %d: it must be that after the newest block, or after the one before", at), "", "")
	}
	b, err := r.folder.block(head)
	if err != nil {
		return err
	}
	if digest := r.state.Digest(); digest != b.Header.State {
		return bad(head-1, fmt.Sprintf("it has another digest than block %d binds", head), b.Header.State.String(), digest.String())
	}
	return nil
}
