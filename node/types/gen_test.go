package types

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

var (
	testNetwork = SumHash([]byte("a network"))
	testKeys    = func() (keys []PrivateKey) {
		for i := range 5 {
			keys = append(keys, NewPrivateKey([32]byte{byte(i + 1)}))
		}
		return keys
	}()
)

func draw32(t *rapid.T, label string) (b [32]byte) {
	copy(b[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
	return b
}

func drawKey(t *rapid.T) PrivateKey { return rapid.SampledFrom(testKeys).Draw(t, "key") }

func drawAmount(t *rapid.T, low uint64) uint64 {
	return rapid.OneOf(rapid.Uint64Range(low, 10), rapid.Uint64Range(low, MaxAmount), rapid.Just(MaxAmount)).Draw(t, "amount")
}

func drawTime(t *rapid.T) Time {
	return Time(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Min(0), rapid.Just(int64(1_700_000_000_500_000_000))).Draw(t, "time"))
}

var drawOpen = rapid.Custom(func(t *rapid.T) Account {
	id := draw32(t, "uuid")
	return OpenAccount(uuid.UUID(id[:16]))
})

var drawKeyed = rapid.Custom(func(t *rapid.T) Account { return KeyedAccount(PublicKey(draw32(t, "account"))) })

var drawAccount = rapid.OneOf(drawOpen, drawKeyed).Filter(func(a Account) bool { return a != Genesis })

// drawRecord makes a sealed and, where it needs it, signed record of any type;
// stake records are signed by the first of the test keys.
var drawRecord = rapid.Custom(func(t *rapid.T) *Record {
	key := drawKey(t)
	r := &Record{Type: RecordType(rapid.IntRange(int(Transfer), int(Leave)).Draw(t, "type")), Time: drawTime(t)}
	switch r.Type {
	case Transfer:
		r.Sender = rapid.OneOf(drawOpen, rapid.Just(KeyedAccount(key.Public())), rapid.Just(Genesis)).Draw(t, "sender")
		r.Receiver = drawAccount.Draw(t, "receiver")
		r.Amount = drawAmount(t, 1)
	case Reading:
		r.Sender = rapid.OneOf(drawOpen, rapid.Just(KeyedAccount(key.Public()))).Filter(func(a Account) bool { return a != Genesis }).Draw(t, "author")
		r.BPM = drawAmount(t, 0)
	case StakeChange:
		key = testKeys[0]
		r.Validator, r.VRFKey = draw32(t, "validator"), draw32(t, "vrfKey")
		r.Name = rapid.StringMatching(`[a-z0-9-]{1,63}`).Draw(t, "name")
		r.Stake = drawAmount(t, 0)
	case Entry:
		r.Session, r.Validator = key.Public(), draw32(t, "host")
		r.Amount, r.BPM = drawAmount(t, 1), drawAmount(t, 0)
	case Leave:
		r.Session = key.Public()
	}
	if !r.signed() {
		return r.Seal()
	}
	r.Nonce = drawAmount(t, 0)
	return r.Sign(testNetwork, key)
})

var drawHeader = rapid.Custom(func(t *rapid.T) Header {
	h := Header{
		Network: draw32(t, "network"), Height: rapid.Uint64().Draw(t, "height"), Round: rapid.Uint32().Draw(t, "round"),
		Time: drawTime(t), Prev: draw32(t, "prev"), State: draw32(t, "state"), Validators: draw32(t, "validators"), NextValidators: draw32(t, "next"),
		Winner: draw32(t, "winner"), Proposer: draw32(t, "proposer"),
	}
	copy(h.Proof[:], rapid.SliceOfN(rapid.Byte(), 80, 80).Draw(t, "proof"))
	return h
})

var drawBlock = rapid.Custom(func(t *rapid.T) *Block {
	b := &Block{Header: drawHeader.Draw(t, "header"), Records: rapid.SliceOfN(drawRecord, 0, 5).Draw(t, "records")}
	b.Header.Records, b.Header.RecordsRoot = uint32(len(b.Records)), MerkleRoot(b.IDs())
	return b
})

var drawVote = rapid.Custom(func(t *rapid.T) Vote {
	key := drawKey(t)
	v := Vote{
		Kind: rapid.SampledFrom([]VoteKind{Prevote, Precommit}).Draw(t, "kind"), Height: rapid.Uint64().Draw(t, "height"),
		Round: rapid.Uint32().Draw(t, "round"), Block: draw32(t, "block"), Validator: key.Public(),
	}
	v.Signature = key.Sign(v.SignBytes(testNetwork))
	return v
})

var drawProposal = rapid.Custom(func(t *rapid.T) *Proposal {
	b, key := drawBlock.Draw(t, "block"), drawKey(t)
	p := &Proposal{Height: b.Header.Height, Round: b.Header.Round, ValidRound: NoRound, Header: b.Header, RecordIDs: b.IDs(), Validator: key.Public()}
	if later := rapid.Uint32Range(0, 3).Draw(t, "later"); later > 0 && p.Round < 1<<31 {
		p.Round += later
		p.ValidRound = rapid.Int64Range(int64(b.Header.Round), int64(p.Round)-1).Draw(t, "validRound")
	}
	p.Signature = key.Sign(p.SignBytes(testNetwork))
	return p
})

var drawCertificate = rapid.Custom(func(t *rapid.T) *Certificate {
	c := &Certificate{Height: rapid.Uint64().Draw(t, "height"), Round: rapid.Uint32().Draw(t, "round"), Block: draw32(t, "block")}
	for range rapid.IntRange(0, 5).Draw(t, "signatures") {
		v := drawVote.Draw(t, "precommit")
		c.Signatures = append(c.Signatures, CertificateSignature{Validator: v.Validator, Signature: v.Signature})
	}
	return c
})

var drawValidator = rapid.Custom(func(t *rapid.T) Validator {
	return Validator{
		Name: rapid.StringN(0, 20, MaxNameBytes).Draw(t, "name"), Key: draw32(t, "key"), VRFKey: draw32(t, "vrfKey"),
		Stake: rapid.Uint64().Draw(t, "stake"), DrawFrom: rapid.Uint64().Draw(t, "from"),
	}
})

// encoded is one kind of value with a canonical encoding.
type encoded struct {
	draw   func(*rapid.T) []byte                // the encoding of any value
	decode func([]byte) (again []byte, e error) // decodes, and encodes what came out
}

var encodings = map[string]encoded{
	"record": {
		func(t *rapid.T) []byte { return drawRecord.Draw(t, "record").Raw() },
		func(raw []byte) ([]byte, error) {
			r, err := DecodeRecord(raw)
			if err != nil {
				return nil, err
			}
			again := *r
			return again.Seal().Raw(), nil
		},
	},
	"block": {
		func(t *rapid.T) []byte { return drawBlock.Draw(t, "block").Encode() },
		func(raw []byte) ([]byte, error) { return again(DecodeBlock(raw)) },
	},
	"records": {
		func(t *rapid.T) []byte { return EncodeRecords(rapid.SliceOfN(drawRecord, 0, 5).Draw(t, "records")) },
		func(raw []byte) ([]byte, error) {
			list, err := DecodeRecords(raw)
			return EncodeRecords(list), err
		},
	},
	"vote": {
		func(t *rapid.T) []byte { v := drawVote.Draw(t, "vote"); return v.Encode() },
		func(raw []byte) ([]byte, error) { v, err := DecodeVote(raw); return again(&v, err) },
	},
	"proposal": {
		func(t *rapid.T) []byte { return drawProposal.Draw(t, "proposal").Encode() },
		func(raw []byte) ([]byte, error) { return again(DecodeProposal(raw)) },
	},
	"candidate": {
		func(t *rapid.T) []byte {
			v := drawVote.Draw(t, "vote")
			c := Candidate{Height: v.Height, Validator: v.Validator, Signature: v.Signature}
			return c.Encode()
		},
		func(raw []byte) ([]byte, error) { c, err := DecodeCandidate(raw); return again(&c, err) },
	},
	"pass": {
		func(t *rapid.T) []byte {
			v := drawVote.Draw(t, "vote")
			p := Pass{Height: v.Height, Round: v.Round, Validator: v.Validator, Signature: v.Signature}
			return p.Encode()
		},
		func(raw []byte) ([]byte, error) { p, err := DecodePass(raw); return again(&p, err) },
	},
	"certificate": {
		func(t *rapid.T) []byte { return drawCertificate.Draw(t, "certificate").Encode() },
		func(raw []byte) ([]byte, error) { return again(DecodeCertificate(raw)) },
	},
	"evidence": {
		func(t *rapid.T) []byte {
			e := Evidence{First: drawVote.Draw(t, "first"), Second: drawVote.Draw(t, "second")}
			return e.Encode()
		},
		func(raw []byte) ([]byte, error) { e, err := DecodeEvidence(raw); return again(&e, err) },
	},
	"validator": {
		func(t *rapid.T) []byte { v := drawValidator.Draw(t, "validator"); return v.Encode() },
		func(raw []byte) ([]byte, error) { v, err := DecodeValidator(raw); return again(&v, err) },
	},
	"validators": {
		func(t *rapid.T) []byte {
			list := make([]Validator, rapid.IntRange(1, 4).Draw(t, "size"))
			for i := range list {
				list[i] = Validator{
					Name: fmt.Sprint("validator ", i), Key: PublicKey{byte(i), 1}, VRFKey: PublicKey{byte(i), 2},
					Stake: rapid.Uint64Range(1, 1000).Draw(t, "stake"), DrawFrom: rapid.Uint64().Draw(t, "from"),
				}
			}
			set, err := NewValidatorSet(list)
			if err != nil {
				t.Fatal(err)
			}
			return set.Encode()
		},
		func(raw []byte) ([]byte, error) { return again(DecodeValidatorSet(raw)) },
	},
}

func again(v interface{ Encode() []byte }, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return v.Encode(), nil
}

func onEachEncoding(t *testing.T, test func(*rapid.T, encoded)) {
	for name, e := range encodings {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { test(rt, e) })
		})
	}
}

// lying returns an encoding with a length of four bytes set to another.
func lying(raw []byte, at int, length uint32) []byte {
	raw = append([]byte{}, raw...)
	binary.BigEndian.PutUint32(raw[at:], length)
	return raw
}
