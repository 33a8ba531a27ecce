package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/node/engine"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

const (
	// recordsPerBlock is how many records each block of a filled chain has.
	recordsPerBlock = 2
	// fillFrame is how many records the filler is given at a time, and fillAhead how
	// many it may have: enough that it never waits.
	fillFrame = 128
	fillAhead = 2048
	// fillPatience is how long a chain may stand still while it is filled.
	fillPatience = time.Minute
)

// filler is the engine of a network's only validator, which makes blocks as fast as
// it can: it draws, signs, agrees with itself and commits as any, on a disk that
// does not wait for what it writes.
type filler struct {
	engine  *engine.Engine
	data    *storage.Data
	signers []*client.Account
	turn    int
}

// openFiller opens the data of a node that does not run.
func openFiller(ctx context.Context, p *nodes.Process, keys []types.PrivateKey) (*filler, error) {
	data, err := storage.OpenOn(hasty{vfs.Default}, p.Data(), p.Setup.Identity(), nil)
	if err != nil {
		return nil, err
	}
	f := &filler{data: data}
	f.engine, err = engine.New(engine.Options{
		Genesis: p.Setup.Genesis, Config: p.Setup.Config, Keys: p.Setup.Keys, Data: data, Links: alone{},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	for _, key := range keys {
		b, err := f.engine.Balance(ctx, types.KeyedAccount(key.Public()))
		if err != nil {
			return nil, errors.Join(err, data.Close())
		}
		f.signers = append(f.signers, client.NewAccount(key, p.Setup.Genesis.Network(), b.Nonce))
	}
	f.engine.Run()
	return f, nil
}

func (f *filler) close() error {
	f.engine.Close()
	return errors.Join(f.engine.Err(), f.data.Close())
}

// to fills the chain up to a height.
func (f *filler) to(ctx context.Context, height uint64) error {
	head := f.engine.Head()
	for left := int(height-head) * recordsPerBlock; left > 0; {
		n := min(left, fillFrame)
		if err := f.give(ctx, n); err != nil {
			return err
		}
		left -= n
		behind := uint64(max(0, left+fillAhead)) / recordsPerBlock // blocks that may be missing
		if height > behind {
			if err := f.wait(ctx, height-behind); err != nil {
				return err
			}
		}
	}
	return f.wait(ctx, height)
}

func (f *filler) wait(ctx context.Context, height uint64) error {
	ctx, cancel := context.WithTimeout(ctx, fillPatience)
	defer cancel()
	if err := f.engine.WaitBlock(ctx, height); err != nil {
		return fmt.Errorf("the chain has %d blocks of %d: %w", f.engine.Head(), height, errors.Join(f.engine.Err(), err))
	}
	return nil
}

// give signs records and puts them into the pool.
func (f *filler) give(ctx context.Context, n int) error {
	records := make([]*types.Record, n)
	for i := range records {
		to := f.signers[(f.turn*7+1)%len(f.signers)]
		records[i] = f.signers[f.turn%len(f.signers)].Transfer(to.Address(), 1)
		f.turn++
	}
	for {
		err := f.engine.Merge(ctx, records)
		var refusal *message.Error
		if !errors.As(err, &refusal) || refusal.Status != message.StatusTooFast && refusal.Status != message.StatusNotReady {
			return err
		}
		if err := machine.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// alone is the links of a validator that is the only one.
type alone struct{}

// Send implements engine.Links.
func (alone) Send(types.PublicKey, p2p.Kind, []byte) bool { return false }

// Broadcast implements engine.Links.
func (alone) Broadcast(p2p.Kind, []byte) {}

// Peers implements engine.Links.
func (alone) Peers() []p2p.PeerInfo { return nil }
