package types

import "fmt"

// CertificateSignature is one precommit of a certificate.
type CertificateSignature struct {
	Validator PublicKey `json:"validator"`
	Signature Signature `json:"signature"`
}

// Certificate is the precommits of a quorum for one block.
type Certificate struct {
	Height     uint64                 `json:"height"`
	Round      uint32                 `json:"round"`
	Block      Hash                   `json:"block"`
	Signatures []CertificateSignature `json:"signatures"` // in the order of the keys
}

// Encode returns the canonical encoding.
func (c *Certificate) Encode() []byte {
	e := NewEncoder("", 8+4+32+4+96*len(c.Signatures))
	e.Uint64(c.Height)
	e.Uint32(c.Round)
	e.Fixed(c.Block[:])
	e.Uint32(uint32(len(c.Signatures)))
	for _, s := range c.Signatures {
		e.Fixed(s.Validator[:])
		e.Fixed(s.Signature[:])
	}
	return e.Data()
}

// DecodeCertificate reads a certificate that fills raw.
func DecodeCertificate(raw []byte) (*Certificate, error) {
	d := NewDecoder(raw)
	c := &Certificate{Height: d.Uint64(), Round: d.Uint32()}
	d.Fixed(c.Block[:])
	c.Signatures = make([]CertificateSignature, d.Count(96, MaxValidators))
	for i := range c.Signatures {
		d.Fixed(c.Signatures[i].Validator[:])
		d.Fixed(c.Signatures[i].Signature[:])
	}
	return c, d.Finish()
}

// Verify checks that the precommits are valid and a quorum of the set.
func (c *Certificate) Verify(network Hash, set *ValidatorSet) error {
	if err := c.CheckQuorum(set); err != nil {
		return err
	}
	return VerifyCertificates(network, []*Certificate{c})[0]
}

// CheckQuorum checks that the precommits are those of a quorum of the set, each
// there once. Their signatures are left to VerifyCertificates.
func (c *Certificate) CheckQuorum(set *ValidatorSet) error {
	var stake uint64
	seen := make(map[PublicKey]bool, len(c.Signatures))
	for _, s := range c.Signatures {
		v, ok := set.ByKey(s.Validator)
		if !ok || seen[s.Validator] {
			return fmt.Errorf("the certificate of height %d counts %s, which is no validator of that height or is there twice", c.Height, s.Validator.Short())
		}
		seen[s.Validator] = true
		stake += v.Stake
	}
	if !set.IsQuorum(stake) {
		return fmt.Errorf("the certificate of height %d has a stake of %d: it must be more than two thirds of %d", c.Height, stake, set.Total())
	}
	return nil
}

// VerifyCertificates checks all signatures of certificates in one batch, and
// returns an error for each, nil where they are right: each is that of the key
// it names. Whose keys these are is left to CheckQuorum.
func VerifyCertificates(network Hash, certificates []*Certificate) []error {
	var batch SignatureBatch
	for _, c := range certificates {
		message := VoteSignBytes(network, Precommit, c.Height, c.Round, c.Block)
		for _, s := range c.Signatures {
			batch.Add(s.Validator, message, s.Signature)
		}
	}
	right := batch.Verify()
	errs := make([]error, len(certificates))
	for i, c := range certificates {
		for k, ok := range right[:len(c.Signatures)] {
			if !ok && errs[i] == nil {
				errs[i] = fmt.Errorf("the certificate of height %d: the signature of %s is wrong", c.Height, c.Signatures[k].Validator.Short())
			}
		}
		right = right[len(c.Signatures):]
	}
	return errs
}

// Evidence is two votes of one validator that contradict each other: the same
// kind, height and round, for different blocks.
type Evidence struct {
	First  Vote `json:"first"`
	Second Vote `json:"second"`
}

// Convicts reports whether the votes are of one validator, of one kind in one round,
// for two blocks, and signed by it in a network: whoever brings them, nobody else
// can have made them.
func (v *Evidence) Convicts(network Hash) bool {
	a, b := &v.First, &v.Second
	return a.Validator == b.Validator && a.Kind == b.Kind && a.Height == b.Height && a.Round == b.Round && a.Block != b.Block &&
		VerifySignature(a.Validator, a.SignBytes(network), a.Signature) && VerifySignature(b.Validator, b.SignBytes(network), b.Signature)
}

// Encode returns the canonical encoding.
func (v *Evidence) Encode() []byte { return append(v.First.Encode(), v.Second.Encode()...) }

// voteBytes is the size of an encoded vote.
const voteBytes = 1 + 8 + 4 + 32 + 32 + 64

// DecodeEvidence reads evidence that fills raw.
func DecodeEvidence(raw []byte) (Evidence, error) {
	if len(raw) != 2*voteBytes {
		return Evidence{}, fmt.Errorf("evidence of %d bytes: it must have %d", len(raw), 2*voteBytes)
	}
	first, err := DecodeVote(raw[:voteBytes])
	if err != nil {
		return Evidence{}, err
	}
	second, err := DecodeVote(raw[voteBytes:])
	return Evidence{First: first, Second: second}, err
}
