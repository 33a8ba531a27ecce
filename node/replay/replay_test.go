package replay_test

import (
	"errors"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/replay"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/test/forge"
)

// run replays blocks and returns the tally and the first fault.
func run(t testing.TB, g *genesis.Genesis, blocks []forge.Block) (*replay.Tally, *replay.Chain, error) {
	t.Helper()
	c, err := replay.New(g)
	if err != nil {
		t.Fatal(err)
	}
	tally := replay.NewTally(c)
	v := types.RecordVerifier{Network: g.Network(), Authority: g.Authority}
	for _, b := range blocks {
		opened, err := replay.Open(v, b.Block, b.Certificate)
		if err != nil {
			return tally, c, err
		}
		step, err := c.Add(opened)
		if err != nil {
			return tally, c, err
		}
		if err := step.Verify(); err != nil {
			return tally, c, err
		}
		if err := tally.Add(step); err != nil {
			return tally, c, err
		}
	}
	return tally, c, nil
}

// A valid chain with something of all there is has no fault, and leads where
// its maker says.
func TestLively(t *testing.T) {
	made := forge.Lively()
	tally, c, err := run(t, made.Genesis, made.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	if c.State().Digest() != made.State.Digest() || tally.Head != made.Next.Head || tally.Blocks != forge.LivelyBlocks {
		t.Errorf("it leads to %+v, want %+v", tally.Head, made.Next.Head)
	}
	for _, kind := range []types.RecordType{types.Transfer, types.Reading, types.StakeChange, types.Entry, types.Leave} {
		if tally.Records[kind] == 0 {
			t.Errorf("the chain has no %s: it tests less than it says", kind)
		}
	}
	if tally.Late == 0 || tally.Changes < 3 || tally.Name(forge.Key("erin").Public()) != "erin" {
		t.Errorf("late %d, changes %d, handovers %v", tally.Late, tally.Changes, tally.Handovers)
	}
	if r := tally.Audit().Report(); r.Draws != forge.LivelyBlocks || r.Others.Won == 0 {
		t.Errorf("%d draws were judged, guests won %d", r.Draws, r.Others.Won)
	}
}

func faultOf(t *testing.T, err error) *validity.Fault {
	t.Helper()
	var f *validity.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	return f
}
