package lottery

import "testing"

func hundred() *network {
	weights := make([]uint64, 100)
	for i := range weights {
		weights[i] = uint64(1000 + i*i)
	}
	return newNetwork(weights...)
}

// BenchmarkTenThousandHeights is what the lottery costs a validator of a
// hundred over 10,000 heights: the draw, the winner's proof, its verification,
// the next seed and the audit. At most 5 s are allowed.
func BenchmarkTenThousandHeights(b *testing.B) {
	n := hundred()
	for b.Loop() {
		audit, seed := NewAudit(), n.seed
		for height := uint64(1); height <= 10_000; height++ {
			claim := n.claim(newDraw(b, seed, height, n.list), 0)
			v, err := VerifyHeight(seed, n.list, claim)
			if err != nil {
				b.Fatal(err)
			}
			if err := audit.Add(v.Draw, claim.Round); err != nil {
				b.Fatal(err)
			}
			seed = v.Next
		}
		if r := audit.Report(); !r.Fair {
			b.Fatalf("unfair: %+v", r)
		}
	}
}

func BenchmarkProve(b *testing.B) {
	priv, _ := NewVRFKey([32]byte{1})
	for b.Loop() {
		Prove(priv, Seed{}, 1)
	}
}

func BenchmarkVerify(b *testing.B) {
	priv, pub := NewVRFKey([32]byte{1})
	proof := Prove(priv, Seed{}, 1)
	for b.Loop() {
		if _, err := Verify(pub, Seed{}, 1, proof); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDrawRoundZero(b *testing.B) {
	n := hundred()
	for b.Loop() {
		newDraw(b, n.seed, 1, n.list).At(0)
	}
}

func BenchmarkDrawWholeOrder(b *testing.B) {
	n := hundred()
	for b.Loop() {
		newDraw(b, n.seed, 1, n.list).Order()
	}
}

func BenchmarkAuditAdd(b *testing.B) {
	n := hundred()
	audit := NewAudit()
	d := newDraw(b, n.seed, 1, n.list)
	for b.Loop() {
		d.height++
		if err := audit.Add(d, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAuditAddChanging has other stakes at every height.
func BenchmarkAuditAddChanging(b *testing.B) {
	n := hundred()
	audit := NewAudit()
	draws := []*Draw{newDraw(b, n.seed, 1, n.list), newDraw(b, n.seed, 1, n.list[1:])}
	height := uint64(0)
	for b.Loop() {
		height++
		d := draws[height%2]
		d.height = height
		if err := audit.Add(d, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReport(b *testing.B) {
	n := hundred()
	audit, beacon := NewAudit(), newBeacon(1)
	for range 10_000 {
		if err := audit.Add(beacon.draw(b, n.list), 0); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		audit.Report()
	}
}
