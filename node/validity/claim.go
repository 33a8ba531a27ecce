package validity

import (
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Claim says that a beacon's proof is the proposer's, for its height and seed.
// To check it is dear and needs nothing else of the chain.
type Claim struct {
	Height uint64
	Key    lottery.VRFPublicKey // of the proposer
	Seed   lottery.Seed
	Proof  lottery.Proof
}

// Verify checks the claim and returns the proof's output. An error is a *Fault.
func (c *Claim) Verify() (lottery.Output, error) {
	output, err := lottery.Verify(c.Key, c.Seed, c.Height, c.Proof)
	if err != nil {
		return output, &Fault{Height: c.Height, Where: "header.proof", What: err.Error()}
	}
	return output, nil
}

// Presume returns the output that the proof has if it is valid: whoever goes on
// with it has to Verify the claim beside, and to throw away all that followed if
// that fails. An error is a *Fault.
func (c *Claim) Presume() (lottery.Output, error) {
	output, err := lottery.ProofToOutput(c.Proof)
	if err != nil {
		return output, &Fault{Height: c.Height, Where: "header.proof", What: err.Error()}
	}
	return output, nil
}

// CheckCertificate checks that a certificate is of the block with this hash at
// this height, and that a quorum of the height's validators signed it. An error
// is a *Fault.
func CheckCertificate(network types.Hash, height uint64, block types.Hash, set *types.ValidatorSet, c *types.Certificate) error {
	if err := CheckQuorum(height, block, set, c); err != nil {
		return err
	}
	if err := types.VerifyCertificates(network, []*types.Certificate{c})[0]; err != nil {
		return certificateFault(height, err)
	}
	return nil
}

// CheckQuorum is CheckCertificate for a certificate whose signatures are known to
// be those of the keys it names, by types.VerifyCertificates.
func CheckQuorum(height uint64, block types.Hash, set *types.ValidatorSet, c *types.Certificate) error {
	switch {
	case c.Height != height:
		return differ(height, "certificate.height", "the certificate is of another height", height, c.Height)
	case c.Block != block:
		return differ(height, "certificate.block", "the certificate is of another block", block, c.Block)
	}
	if err := c.CheckQuorum(set); err != nil {
		return certificateFault(height, err)
	}
	return nil
}

func certificateFault(height uint64, err error) error {
	return &Fault{Height: height, Where: "certificate", What: err.Error()}
}
