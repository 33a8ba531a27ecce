package consensus

import (
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Bitmap is a set of validators by their index in the height's set. It has the
// size of the largest set, so that it has one encoding.
type Bitmap [(types.MaxValidators + 7) / 8]byte

// Set adds a validator; index is 0 to types.MaxValidators-1.
func (b *Bitmap) Set(index int) { b[index/8] |= 1 << (index % 8) }

// Has reports whether the validator at index is in the set.
func (b *Bitmap) Has(index int) bool { return b[index/8]>>(index%8)&1 == 1 }

// Summary tells a peer what a node has of the height at work, so that the peer
// sends what is missing. It is not signed: a lie costs the liar's own link
// some messages and nobody else anything.
type Summary struct {
	Height     uint64
	Round      uint32
	Proposal   types.Hash // the block proposed in the round; zero: no proposal is here
	Passed     bool       // whether the round's pass is here
	Prevotes   Bitmap     // whose prevotes of the round are here
	Precommits Bitmap     // whose precommits of the round are here
	Candidates Bitmap     // whose announcements are here
	Wanted     types.Hash // a block a quorum prevoted whose proposal is not here; else zero
	// The prevotes wanted to justify a proposal that names a valid round:
	POLRound    int64      // that round, or types.NoRound
	POLBlock    types.Hash // the block proposed again
	POLPrevotes Bitmap     // whose prevotes for that block are here
}

// summaryBytes is the size of an encoded summary.
const summaryBytes = 8 + 4 + 32 + 1 + 3*len(Bitmap{}) + 32 + 8 + 32 + len(Bitmap{})

// Encode returns the canonical encoding; all summaries have the same size.
func (s *Summary) Encode() []byte {
	e := types.NewEncoder("", summaryBytes)
	e.Uint64(s.Height)
	e.Uint32(s.Round)
	e.Fixed(s.Proposal[:])
	if s.Passed {
		e.Uint8(1)
	} else {
		e.Uint8(0)
	}
	e.Fixed(s.Prevotes[:])
	e.Fixed(s.Precommits[:])
	e.Fixed(s.Candidates[:])
	e.Fixed(s.Wanted[:])
	e.Uint64(uint64(s.POLRound))
	e.Fixed(s.POLBlock[:])
	e.Fixed(s.POLPrevotes[:])
	return e.Data()
}

// DecodeSummary reads a summary that fills raw. The error says what is wrong
// with its form.
func DecodeSummary(raw []byte) (Summary, error) {
	d := types.NewDecoder(raw)
	s := Summary{Height: d.Uint64(), Round: d.Uint32()}
	d.Fixed(s.Proposal[:])
	passed := d.Uint8()
	d.Fixed(s.Prevotes[:])
	d.Fixed(s.Precommits[:])
	d.Fixed(s.Candidates[:])
	d.Fixed(s.Wanted[:])
	s.POLRound = int64(d.Uint64())
	d.Fixed(s.POLBlock[:])
	d.Fixed(s.POLPrevotes[:])
	if err := d.Finish(); err != nil {
		return Summary{}, fmt.Errorf("summary: %w", err)
	}
	s.Passed = passed == 1
	return s, s.check(passed)
}

func (s *Summary) check(passed uint8) error {
	if passed > 1 {
		return fmt.Errorf("summary: passed is %d: it must be 0 or 1", passed)
	}
	if s.POLRound < types.NoRound || s.POLRound >= 1<<32 {
		return fmt.Errorf("summary: round %d of the prevotes wanted: it must be -1 or a round", s.POLRound)
	}
	for _, b := range [...]*Bitmap{&s.Prevotes, &s.Precommits, &s.Candidates, &s.POLPrevotes} {
		for i := types.MaxValidators; i < 8*len(b); i++ {
			if b.Has(i) {
				return fmt.Errorf("summary: a bit stands for validator %d: there are at most %d", i, types.MaxValidators)
			}
		}
	}
	return nil
}
