package verify_test

import (
	"context"
	"testing"
	"time"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// A newest block that a stranger made on a state of its own is refused, though the
// two fit together: the validators are those to whom the genesis leads.
func TestUsurped(t *testing.T) {
	for name, c := range map[string]struct {
		made  *forge.Chain
		below uint64
		where string
	}{
		"the only block":                      {forge.Guestless(), forge.LivelyBlocks, "stored state"},
		"a block on others, without guests":   {forge.Guestless(), 30, "stored state"},
		"a block on others, guests may play":  {forge.Lively(), 30, "stored state"},
		"a block on all, which begin with 1":  {forge.Lively(), 1, "header.state"},
		"a block on all, and no guests":       {forge.Guestless(), 1, "header.state"},
		"the only block, and guests may play": {forge.Lively(), forge.LivelyBlocks, "stored state"},
	} {
		t.Run(name, func(t *testing.T) {
			r := pruned(t, c.made.Usurped("mallory"), c.below, nil)
			if r.Fault == nil || r.Fault.Where != c.where {
				t.Errorf("found %v, want %s; %+v", r.Fault, c.where, r.Tally)
			}
		})
	}
}

// disordered is a folder that gives its handovers in another order.
type disordered struct{ *source.Folder }

func (d disordered) Start(ctx context.Context, g *genesis.Genesis) (*source.Start, error) {
	s, err := d.Folder.Start(ctx, g)
	if err == nil {
		s.Handovers[0], s.Handovers[1] = s.Handovers[1], s.Handovers[0]
	}
	return s, err
}

// Handovers that are not in order lead nowhere: a stranger's among them must not be
// found by who looks for the newest below a height.
func TestHandoversOutOfOrder(t *testing.T) {
	made := forge.Guestless()
	list := made.Handovers(forge.LivelyBlocks)
	made = made.Usurped("mallory")
	stranger := made.Next.Set
	var changes []storage.Change
	for _, h := range list {
		changes = append(changes, storage.Change{Key: heights.HandoverKey(h.Header.Height)})
	}
	changes = append(changes, storage.Change{Key: heights.SetKey(stranger.Hash()), Value: stranger.Encode()})
	height := map[uint64]uint64{1: 60, 2: 7, 3: 70}
	for _, key := range []uint64{1, 2, 3} {
		h := types.Header{Network: made.Genesis.Network(), Height: height[key], NextValidators: stranger.Hash()}
		changes = append(changes, storage.Change{Key: heights.HandoverKey(key), Value: heights.EncodeCertified(&h, (&types.Certificate{Height: h.Height}).Encode())})
	}
	dir := prunedFolder(t, made, forge.LivelyBlocks)
	change(t, made, dir, changes...)
	refused(t, made, dir)
}

// So it is whoever gives them.
func TestSourceOutOfOrder(t *testing.T) {
	made := forge.Guestless()
	f, err := source.OpenFolder(prunedFolder(t, made, 5)) // all of them come above
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: disordered{f}})
	if err != nil || r.Fault == nil || r.Fault.Where != "handover" {
		t.Errorf("%+v, %v", r, err)
	}
}

// Handovers whose heights lead back to where one began do not keep the verifier for
// ever.
func TestHandoversInACircle(t *testing.T) {
	made := forge.Guestless()
	h := made.Handovers(10)[0]
	header, err := h.Header.Types()
	if err != nil {
		t.Fatal(err)
	}
	raw := heights.EncodeCertified(header, h.Certificate.Encode())
	var changes []storage.Change
	for key := range uint64(300) { // more than a page
		changes = append(changes, storage.Change{Key: heights.HandoverKey(1 + key), Value: raw})
	}
	dir := prunedFolder(t, made, 10)
	change(t, made, dir, changes...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		refused(t, made, dir)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on and on")
	}
}
