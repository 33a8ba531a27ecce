package consensus

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

func drawSummary(t *rapid.T) Summary {
	bitmap := func(label string) (b Bitmap) {
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, types.MaxValidators-1), 0, 10).Draw(t, label) {
			b.Set(i)
		}
		return b
	}
	hash := func(label string) types.Hash { return types.Hash{rapid.Byte().Draw(t, label)} }
	return Summary{
		Height: rapid.Uint64().Draw(t, "height"), Round: rapid.Uint32().Draw(t, "round"),
		Proposal: hash("proposal"), Passed: rapid.Bool().Draw(t, "passed"),
		Prevotes: bitmap("prevotes"), Precommits: bitmap("precommits"), Candidates: bitmap("candidates"),
		Wanted: hash("wanted"), POLRound: rapid.Int64Range(-1, 1<<32-1).Draw(t, "pol"),
		POLBlock: hash("pol block"), POLPrevotes: bitmap("pol prevotes"),
	}
}

func TestSummaryIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSummary(t)
		got, err := DecodeSummary(s.Encode())
		if err != nil || got != s {
			t.Fatalf("%+v is read as %+v: %v", s, got, err)
		}
	})
}

// What can be read is written again to the byte: there is one encoding only.
func TestSummaryHasOneEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSummary(t)
		raw := s.Encode()
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "place")] = rapid.Byte().Draw(t, "byte")
		if got, err := DecodeSummary(raw); err == nil && !bytes.Equal(got.Encode(), raw) {
			t.Fatalf("%x and %x are read alike", raw, got.Encode())
		}
	})
}

func TestDecodeSummaryRefuses(t *testing.T) {
	plain := func() []byte { return (&Summary{Height: 1, POLRound: types.NoRound}).Encode() }
	change := func(at int, to byte) []byte {
		raw := plain()
		raw[at] = to
		return raw
	}
	const passedAt, bitsAt = 8 + 4 + 32, 8 + 4 + 32 + 1
	polAt := bitsAt + 3*len(Bitmap{}) + 32
	for _, test := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"nothing", nil, "ends early"},
		{"short", plain()[1:], "ends early"},
		{"long", append(plain(), 0), "left over"},
		{"passed is no truth", change(passedAt, 2), "must be 0 or 1"},
		{"validator 100", change(bitsAt+len(Bitmap{})-1, 1<<4), "validator 100"},
		{"round -2", change(polAt+7, 0xfe), "round -2"},
		{"round beyond 32 bits", change(polAt, 0), "must be -1 or a round"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := DecodeSummary(test.raw); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v: it should say %q", err, test.want)
			}
		})
	}
}
