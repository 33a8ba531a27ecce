package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// walk yields entries as a store does.
func walk(entries []Change) func(func(key, value []byte) error) error {
	return func(yield func(key, value []byte) error) error {
		for _, e := range entries {
			if err := yield(e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	}
}

// drawState draws entries of sizes that make one part of them or many.
func drawState(t *rapid.T) []Change {
	sizes := []int{1, 16, 3000, partBytes / 3}
	var out []Change
	for i := range rapid.IntRange(1, 40).Draw(t, "entries") {
		size := rapid.SampledFrom(sizes).Draw(t, "size")
		out = append(out, Change{Key: fmt.Appendf(nil, "key %d", i), Value: bytes.Repeat([]byte{byte(i + 1)}, size)})
	}
	return out
}

// inParts sorts entries by the part they are in.
func inParts(c *Cut, entries []Change) [][]Change {
	out := make([][]Change, c.Parts())
	for _, e := range entries {
		part := c.PartOf(e.Key)
		out[part] = append(out[part], e)
	}
	return out
}

// The outline of a state has the state's digest, and each part is the entries
// that belong to it, which are no more than fit.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawState(t)
		cut, err := NewCut(walk(entries))
		if err != nil {
			t.Fatal(err)
		}
		again, _ := NewCut(walk(rapid.Permutation(entries).Draw(t, "order")))
		if !bytes.Equal(cut.Outline, again.Outline) {
			t.Fatal("another order gave another outline")
		}
		o, err := DecodeOutline(cut.Outline)
		if err != nil {
			t.Fatal(err)
		}
		if want := plainRoot(asMap(entries)); o.Root() != want || o.Parts() != cut.Parts() {
			t.Fatalf("root %s of %d parts, want %s of %d", o.Root(), o.Parts(), want, cut.Parts())
		}
		size := 0
		for i, part := range inParts(cut, entries) {
			bytes := 0
			for _, e := range part {
				bytes += 8 + len(e.Key) + len(e.Value)
			}
			if size += bytes; bytes > MaxPartBytes || bytes == 0 {
				t.Errorf("part %d has %d bytes", i, bytes)
			}
			if err := o.Check(i, part); err != nil {
				t.Error(err)
			}
			if cut.Parts() > 1 && o.Check((i+1)%cut.Parts(), part) == nil {
				t.Errorf("part %d passes for another", i)
			}
		}
		if size != cut.Bytes {
			t.Errorf("%d bytes in all, want %d", cut.Bytes, size)
		}
	})
}

// Whatever is changed about a part, it is refused.
func TestForgedParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawState(t)
		cut, err := NewCut(walk(entries))
		if err != nil {
			t.Fatal(err)
		}
		o, err := DecodeOutline(cut.Outline)
		if err != nil {
			t.Fatal(err)
		}
		parts := inParts(cut, entries)
		at := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
		part := slices.Clone(parts[at])
		i := rapid.IntRange(0, len(part)-1).Draw(t, "entry")
		switch rapid.IntRange(0, 5).Draw(t, "forgery") {
		case 0:
			part[i].Value = append([]byte{0}, part[i].Value...)
		case 1:
			part[i].Key = append([]byte{0}, part[i].Key...)
		case 2:
			part = slices.Delete(part, i, i+1)
		case 3:
			part = append(part, part[i])
		case 4:
			part = append(part, Change{Key: []byte("new"), Value: []byte{1}})
		case 5:
			part[i] = Change{Key: part[i].Value, Value: part[i].Key}
		}
		if o.Check(at, part) == nil {
			t.Error("it passes")
		}
	})
}

// An outline is read in its one form only.
func TestBadOutlines(t *testing.T) {
	part := append([]byte{outlinePart}, make([]byte, 32)...)
	inner := func(bit byte, sides ...[]byte) []byte {
		return append([]byte{outlineInner, bit}, slices.Concat(sides...)...)
	}
	deep := part
	for bit := 255; bit >= 0; bit-- {
		deep = inner(byte(bit), deep, part)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"one part":       {part, ""},
		"as deep as can": {deep, ""},
		"nothing":        {nil, "ends early"},
		"cut off":        {deep[:len(deep)-1], "ends early"},
		"too long":       {append(slices.Clone(part), 0), "left over"},
		"another kind":   {[]byte{2}, "kind 2"},
		"the same bit":   {inner(7, inner(7, part, part), part), "splits at bit 7 below bit 7"},
		"a lower bit":    {inner(7, part, inner(3, part, part)), "splits at bit 3 below bit 7"},
	} {
		_, err := DecodeOutline(c.raw)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	wide := part
	for bit := byte(14); ; bit-- {
		if wide = inner(bit, wide, wide); bit == 0 {
			break
		}
	}
	if _, err := DecodeOutline(wide); err == nil || !strings.Contains(err.Error(), "more than 16384 parts") {
		t.Errorf("an outline of %d parts: %v", 1<<15, err)
	}
}

func TestCutOfNothing(t *testing.T) {
	if _, err := NewCut(walk(nil)); err == nil {
		t.Error("a state without entries is cut")
	}
	o, err := DecodeOutline(append([]byte{outlinePart}, make([]byte, 32)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Check(0, nil); err != nil || o.Root() != (types.Hash{}) {
		t.Errorf("no entries have the root of none: %v", err)
	}
}

// BenchmarkCut cuts a state of a million accounts.
func BenchmarkCut(b *testing.B) {
	entries := make([]Change, 1_000_000)
	for i := range entries {
		key := types.SumHash(fmt.Append(nil, i))
		entries[i] = Change{Key: append([]byte{accountKey, byte(types.Keyed)}, key[:]...), Value: make([]byte, 16)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewCut(walk(entries)); err != nil {
			b.Fatal(err)
		}
	}
}
