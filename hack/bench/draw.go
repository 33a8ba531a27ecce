package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/table"
	"github.com/posnet/posnet/node/lottery"
)

// drawers are validators with the keys of a lottery among themselves.
type drawers struct {
	seed  lottery.Seed
	list  []lottery.Participant
	priv  map[[32]byte]lottery.VRFPrivateKey
	pub   map[[32]byte]lottery.VRFPublicKey
	audit *lottery.Audit
}

func newDrawers(n int) *drawers {
	d := &drawers{priv: map[[32]byte]lottery.VRFPrivateKey{}, pub: map[[32]byte]lottery.VRFPublicKey{}, audit: lottery.NewAudit()}
	var keys [][32]byte
	for i := range n {
		var id [32]byte
		binary.BigEndian.PutUint64(id[:], uint64(i+1))
		priv, pub := lottery.NewVRFKey(id)
		d.priv[id], d.pub[id] = priv, pub
		keys = append(keys, pub)
		d.list = append(d.list, lottery.Participant{ID: id, Weight: uint64(1000 + i*i)})
	}
	d.seed = lottery.GenesisSeed([32]byte{}, keys)
	return d
}

// height is what one height of the lottery costs a validator: the draw, the
// winner's proof, its verification, the next seed and the audit.
func (d *drawers) height(height uint64) error {
	draw, err := lottery.NewDraw(d.seed, height, d.list)
	if err != nil {
		return err
	}
	winner := draw.At(0)
	claim := lottery.Claim{Height: height, Winner: winner, Key: d.pub[winner], Proof: lottery.Prove(d.priv[winner], d.seed, height)}
	v, err := lottery.VerifyHeight(d.seed, d.list, claim)
	if err != nil {
		return err
	}
	d.seed = v.Next
	return d.audit.Add(v.Draw, 0)
}

func draw(ctx context.Context, b *bench) ([]Row, error) {
	row := Row{Name: "draw", What: fmt.Sprintf("%s heights of the draw, %d validators", table.Thousands(drawHeights), drawValidators), Unit: "s", Limit: drawLimit, AtMost: true}
	o, err := b.quietly(ctx, row.What, func() (outcome, error) { return drawOnce(ctx) })
	if err != nil {
		return nil, err
	}
	row.Value = o.end.Sub(o.begin).Seconds()
	row.Judge(o.counts(), o.cores, o.late)
	row.Details = fmt.Sprintf("%.0f µs a height; proof, verification and audit included", 1e6*row.Value/drawHeights)
	return []Row{row}, nil
}

func drawOnce(ctx context.Context) (o outcome, err error) {
	d := newDrawers(drawValidators)
	began := time.Now()
	from, err := machine.ReadClock(noNodes)
	if err != nil {
		return o, err
	}
	for h := uint64(1); h <= drawHeights; h++ {
		if err := d.height(h); err != nil {
			return o, err
		}
		if ctx.Err() != nil {
			return o, context.Cause(ctx)
		}
	}
	if r := d.audit.Report(); !r.Fair {
		return o, fmt.Errorf("the audit of %d heights finds the draw unfair: %+v", drawHeights, r)
	}
	to, err := machine.ReadClock(noNodes)
	o.begin, o.end, o.cores = began, time.Now(), from.Until(to)
	return o, err
}

func noNodes() (time.Duration, error) { return 0, nil }
