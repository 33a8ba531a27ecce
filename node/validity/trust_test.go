package validity_test

import (
	"strings"
	"testing"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/test/forge"
)

// handover is a block of a chain that hands over, with the set of the height after.
type handover struct {
	forge.Block
	set *types.ValidatorSet
}

func handovers(made *forge.Chain) (out []handover) {
	for i, b := range made.Blocks[:len(made.Blocks)-1] {
		if next := made.Blocks[i+1]; next.Set.Hash() != b.Set.Hash() {
			out = append(out, handover{b, next.Set})
		}
	}
	return out
}

// From genesis on, handover by handover, every header of a chain can be checked
// by the validators that are trusted by then.
func TestTrust(t *testing.T) {
	made := forge.Lively()
	set, err := made.Genesis.ValidatorSet()
	if err != nil {
		t.Fatal(err)
	}
	trust := validity.NewTrust(made.Genesis.Network(), set, 1)
	taken := 0
	for i, b := range made.Blocks {
		if err := trust.Check(&b.Header, b.Certificate); err != nil {
			t.Fatalf("height %d: %v", b.Header.Height, err)
		}
		if i+1 < len(made.Blocks) && made.Blocks[i+1].Set.Hash() != b.Set.Hash() {
			if err := trust.Take(&b.Header, b.Certificate, made.Blocks[i+1].Set); err != nil {
				t.Fatal(err)
			}
			taken++
			if trust.Next() != b.Header.Height+1 {
				t.Errorf("the next handover is looked for from %d on", trust.Next())
			}
		}
	}
	if taken < 3 {
		t.Errorf("%d handovers: the chain tests less than it says", taken)
	}
}

// Nothing but the next handover, as the chain has it, is taken.
func TestTrustRefuses(t *testing.T) {
	made := forge.Lively()
	set, err := made.Genesis.ValidatorSet()
	if err != nil {
		t.Fatal(err)
	}
	list := handovers(made)
	strangers := forge.New(forge.Genesis(map[string]uint64{"mallory": 100}))
	mine := strangers.Add()
	for name, c := range map[string]struct {
		change func(h *handover)
		want   string
	}{
		"as it is":        {func(*handover) {}, ""},
		"another set":     {func(h *handover) { h.set = mine.Set }, "hands over to another set"},
		"the same set":    {func(h *handover) { h.set = set }, "hands over to another set"},
		"the next":        {func(h *handover) { *h = handover{list[1].Clone(), list[1].set} }, "nothing that is trusted leads"},
		"another network": {func(h *handover) { *h = handover{mine.Clone(), mine.Set} }, "of another network"},
		"another header":  {func(h *handover) { h.Header.Time++ }, "the certificate is of another block"},
		"of strangers":    {func(h *handover) { h.Header.Validators = mine.Set.Hash(); h.Reseal() }, "nothing that is trusted leads"},
		"a wrong signature": {func(h *handover) {
			h.Certificate.Signatures[0].Signature[0] ^= 1
		}, "signature"},
		"too little stake": {func(h *handover) {
			h.Certificate.Signatures = h.Certificate.Signatures[:1]
		}, "more than two thirds"},
		"one twice": {func(h *handover) {
			h.Certificate.Signatures = append(h.Certificate.Signatures[:1], h.Certificate.Signatures[:1]...)
		}, "twice"},
	} {
		trust := validity.NewTrust(made.Genesis.Network(), set, 1)
		h := handover{list[0].Clone(), list[0].set}
		c.change(&h)
		err := trust.Take(&h.Header, h.Certificate, h.set)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && trust.Take(&list[0].Header, list[0].Certificate, list[0].set) != nil {
			t.Errorf("%s: after it the right one is refused", name)
		}
	}
	trust := validity.NewTrust(made.Genesis.Network(), set, list[0].Header.Height+1)
	if err := trust.Take(&list[0].Header, list[0].Certificate, list[0].set); err == nil || !strings.Contains(err.Error(), "below that of the validators who are trusted") {
		t.Errorf("a handover from before: %v", err)
	}
}
