// Package verify recomputes a whole chain on all cores: it takes blocks from a
// source, lets package replay judge them, and says what it found.
package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/replay"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/verify/source"
)

// Options say what to verify.
type Options struct {
	Genesis *genesis.Genesis
	Source  source.Source
	// Trusted, if set, is a block that must be in the chain, if the source has its height.
	Trusted *Trusted
	// Each, if set, is told of each block that was verified, in order. It must be
	// quick; an error of it ends the run as one of the chain would.
	Each func(Progress) error
	// Workers is on how many cores; 0 stands for all.
	Workers int
}

// Trusted is a block that somebody else vouches for.
type Trusted struct {
	Height uint64
	Hash   types.Hash
}

// Progress is how far it has come.
type Progress struct {
	Head    validity.Head // verified
	Of      uint64        // the height to come to
	Records uint64        // in the blocks verified
}

// Result is what was found.
type Result struct {
	Tally *replay.Tally // of the blocks that are sound: all below the fault, from the oldest on that the source has
	State *ledger.State // after the newest sound block; nil with a fault, or where it is not known
	Fault *validity.Fault
	Took  time.Duration

	// Handovers is how many lead from the genesis to the validators of the oldest block,
	// if that is not the first.
	Handovers int
	// Lacks says why the state before the oldest block is not known; "" if it is.
	Lacks string
	// Trusted reports whether the block that somebody vouches for is here.
	Trusted bool
}

// Run verifies a chain from its genesis on, or what the source has of it. The error
// says what kept it from coming to a verdict: the source failed, or the context ended.
func Run(ctx context.Context, o Options) (*Result, error) {
	chain, err := replay.New(o.Genesis)
	if err != nil {
		return nil, err
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{Options: o, chain: chain, result: &Result{Tally: replay.NewTally(chain)}}
	began := time.Now()
	if network := o.Genesis.Network(); o.Source.Network() != network {
		r.result.Fault = &validity.Fault{Where: "network", What: "the chain is of another network than the genesis", Expected: network.String(), Found: o.Source.Network().String()}
		return r.result, nil
	}
	if o.Source.Oldest() > 1 {
		err = r.fault(r.startLate(ctx))
	}
	if err == nil && r.result.Fault == nil {
		err = r.fault(r.blocks(ctx))
	}
	if err == nil && r.result.Fault == nil {
		err = r.fault(r.end())
	}
	r.result.Took = time.Since(began)
	return r.result, err
}

// run is one verification under way.
type run struct {
	Options
	chain  *replay.Chain
	result *Result
	late   error // what is wrong with the state that the source has, if that is of the height before the head
	wrong  *validity.Fault
	busy   sync.WaitGroup // who may be using the source
	state  *ledger.State  // for the chain to adopt where it comes to its height
}

// fault keeps an error that is one of the chain, and returns any other.
func (r *run) fault(err error) error {
	if errors.As(err, &r.result.Fault) {
		return nil
	}
	return err
}

// opened is a piece whose blocks are sound by themselves; with an error those
// before the first that is not.
type opened struct {
	blocks []*replay.Opened
	err    error
}

// step is a block on the chain, or why the next is not.
type step struct {
	*replay.Step
	err error
}

// blocks verifies all blocks of the source: read, opened on all cores, added in
// order, proofs and certificates checked on all cores, counted in order. The
// first thing wrong in that order is what is wrong first in the chain.
func (r *run) blocks(whole context.Context) error {
	ctx, cancel := context.WithCancel(whole)
	defer func() {
		cancel()
		r.busy.Wait() // the source is used no more
	}()
	pieces := r.read(ctx)
	verifier := types.RecordVerifier{Network: r.Genesis.Network(), Authority: r.Genesis.Authority}
	sound := inOrder(ctx, &r.busy, r.Workers, pieces, func(p source.Piece) opened { return open(verifier, p) })
	steps := inOrder(ctx, &r.busy, r.Workers, r.add(ctx, sound), func(s step) step {
		if s.err == nil {
			s.err = s.Verify()
		}
		if s.err == nil {
			s.err = r.Source.Beside(source.Block{Block: s.Block(), Certificate: s.Certificate()}, s.Before())
		}
		return s
	})
	for s := range steps {
		if s.err == nil {
			s.err = r.count(s.Step)
		}
		if s.err != nil {
			return s.err
		}
	}
	return whole.Err()
}

// read gives the pieces of the source; an error of it is the last piece.
func (r *run) read(ctx context.Context) <-chan source.Piece {
	pieces := make(chan source.Piece)
	send := func(p source.Piece) bool {
		select {
		case pieces <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	r.busy.Go(func() {
		defer close(pieces)
		if err := r.Source.Read(ctx, send); err != nil {
			send(func() ([]source.Block, error) { return nil, err })
		}
	})
	return pieces
}

func open(v types.RecordVerifier, p source.Piece) opened {
	blocks, err := p()
	out := opened{err: err}
	for _, b := range blocks {
		o, err := replay.Open(v, b.Block, b.Certificate)
		if err != nil {
			out.err = err
			break
		}
		out.blocks = append(out.blocks, o)
	}
	return out
}

// add adds blocks to the chain until one does not follow. On the way it looks at the
// state before the newest.
func (r *run) add(ctx context.Context, in <-chan opened) chan step {
	out := make(chan step)
	send := func(s step) bool {
		select {
		case out <- s:
			return s.err == nil
		case <-ctx.Done():
			return false
		}
	}
	r.busy.Go(func() {
		defer close(out)
		r.compareLate()
		for piece := range in {
			for _, b := range piece.blocks {
				s, err := r.addOne(b)
				if err == nil {
					r.compareLate()
				}
				if !send(step{s, err}) {
					return
				}
			}
			if piece.err != nil {
				send(step{err: piece.err})
				return
			}
		}
	})
	return out
}

// compareLate holds the source's state against that before the newest block.
func (r *run) compareLate() {
	if s := r.chain.State(); s != nil && s.Height()+1 == r.Source.Head() {
		r.late = r.Source.Compare(s)
	}
}

func (r *run) count(s *replay.Step) error {
	t := r.result.Tally
	if err := t.Add(s); err != nil {
		return err
	}
	if err := r.checkTrusted(t.Head); err != nil || r.Each == nil {
		return err
	}
	return r.Each(Progress{Head: t.Head, Of: r.Source.Head(), Records: t.RecordCount()})
}

// end checks what only the whole chain can show: that no block is missing at
// its end, and that the source has the state that the blocks lead to.
func (r *run) end() error {
	if head, last := r.Source.Head(), r.result.Tally.Head.Height; last < head {
		return &validity.Fault{Height: last + 1, Where: "block", What: fmt.Sprintf("it is missing: the newest should be %d", head)}
	}
	if r.late != nil {
		return r.late
	}
	if r.wrong != nil {
		return r.wrong
	}
	if r.chain.State() == nil {
		return nil
	}
	if err := r.Source.Compare(r.chain.State()); err != nil {
		return err
	}
	r.result.State = r.chain.State()
	return nil
}
