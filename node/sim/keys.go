package sim

import (
	"encoding/binary"

	"github.com/posnet/posnet/node/types"
)

// message is what a validator signs.
type message interface {
	SignBytes(network types.Hash) []byte
}

// keyring makes and checks signatures. With real keys they are ed25519's; else
// a hash stands for one, which binds the same bytes, costs a hundredth and is
// forged by nobody in here.
type keyring struct {
	network types.Hash
	private map[types.PublicKey]types.PrivateKey // nil: hashes
}

// otherNetwork is one with the same validators, whose messages are worth
// nothing in ours.
var otherNetwork = types.SumHash([]byte("another network"))

func newKeyring(s *Scenario) *keyring {
	k := &keyring{network: types.SumHash([]byte("sim"), binary.BigEndian.AppendUint64(nil, s.Seed))}
	if s.RealKeys {
		k.private = map[types.PublicKey]types.PrivateKey{}
		for i := range s.Keys {
			key := types.NewPrivateKey([32]byte(fakeKey("validator", s.Seed, i)))
			k.private[key.Public()] = key
		}
	}
	return k
}

// validatorKey returns the key of a scenario's node.
func (s *Scenario) validatorKey(i int) types.PublicKey {
	key := fakeKey("validator", s.Seed, i)
	if s.RealKeys {
		return types.NewPrivateKey([32]byte(key)).Public()
	}
	return key
}

func fakeKey(what string, seed uint64, i int) types.PublicKey {
	return types.PublicKey(types.SumHash([]byte(what), binary.BigEndian.AppendUint64(nil, seed), []byte{byte(i)}))
}

// sign returns a key's signature of a message for a network.
func (k *keyring) sign(key types.PublicKey, network types.Hash, m message) types.Signature {
	if k.private != nil {
		return k.private[key].Sign(m.SignBytes(network))
	}
	return fakeSignature(key, m.SignBytes(network))
}

func fakeSignature(key types.PublicKey, bytes []byte) (sig types.Signature) {
	bound := types.SumHash(key[:], bytes)
	copy(sig[:], bound[:])
	return sig
}

// verify is what a node checks of every message: the signer is a validator of
// the height, and the signature its own, for this network.
func verify[M message](k *keyring, m M, signer types.PublicKey, sig types.Signature, set *types.ValidatorSet) (types.Verified[M], bool) {
	if k.private != nil {
		v, err := types.VerifyMessage(m, signer, sig, k.network, set)
		return v, err == nil
	}
	if _, ok := set.Find(signer); !ok || sig != fakeSignature(signer, m.SignBytes(k.network)) {
		return types.Verified[M]{}, false
	}
	return types.Vouch(m), true
}

// The signed messages of a node.

func (n *node) newVote(kind types.VoteKind, height uint64, round uint32, block types.Hash) *types.Vote {
	v := &types.Vote{Kind: kind, Height: height, Round: round, Block: block, Validator: n.key}
	v.Signature = n.w.keys.sign(n.key, n.w.keys.network, v)
	return v
}

// signedProposal signs a proposal in place.
func (n *node) signedProposal(p *types.Proposal) *types.Proposal {
	p.Validator = n.key
	p.Signature = n.w.keys.sign(n.key, n.w.keys.network, p) // which computes the block's hash, before nodes share it
	return p
}

// propose returns a signed proposal of a new block.
func (n *node) propose(b *block) *types.Proposal {
	return n.signedProposal(&types.Proposal{
		Height: b.header.Height, Round: b.header.Round, ValidRound: types.NoRound, Header: b.header, RecordIDs: b.ids,
	})
}

func (n *node) newCandidate(height uint64) *types.Candidate {
	c := &types.Candidate{Height: height, Validator: n.key}
	c.Signature = n.w.keys.sign(n.key, n.w.keys.network, c)
	return c
}

func (n *node) newPass(height uint64, round uint32) *types.Pass {
	p := &types.Pass{Height: height, Round: round, Validator: n.key}
	p.Signature = n.w.keys.sign(n.key, n.w.keys.network, p)
	return p
}
