package lottery

import "fmt"

// Claim is what a block says about the draw of its height.
type Claim struct {
	Height uint64
	// Round is the round whose winner made the block. A block proposed again in
	// a later round keeps it.
	Round uint32
	// Winner is the ID of the participant in whose name the block is.
	Winner [32]byte
	// Key is the VRF key of the validator that proposed the block: the
	// winner's own, or that of the host of a guest.
	Key   VRFPublicKey
	Proof Proof
}

// Verified is what VerifyHeight recomputed.
type Verified struct {
	Draw   *Draw  // ready for Audit.Add
	Output Output // of the proof
	Next   Seed   // of the height above
}

// VerifyHeight recomputes the draw of one height and checks what the block
// claims: that the winner was drawn in that round and that the proof is valid.
// The seed and the participants are those the chain itself gives for the
// height, so that whoever goes on with Next audits a whole chain. It returns an
// error that names the height and what does not match.
func VerifyHeight(seed Seed, participants []Participant, c Claim) (*Verified, error) {
	draw, err := NewDraw(seed, c.Height, participants)
	if err != nil {
		return nil, fmt.Errorf("height %d: %w", c.Height, err)
	}
	if drawn := draw.At(c.Round); drawn != c.Winner {
		return nil, fmt.Errorf("height %d: round %d drew %x, but the block names %x as its winner", c.Height, c.Round, drawn, c.Winner)
	}
	output, err := Verify(c.Key, seed, c.Height, c.Proof)
	if err != nil {
		return nil, fmt.Errorf("height %d: %w", c.Height, err)
	}
	return &Verified{Draw: draw, Output: output, Next: NextSeed(seed, c.Height, output)}, nil
}
