package types

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// certificateOf lets the named of five validators with stake 1 precommit.
func certificateOf(t testing.TB, signers ...int) (*Certificate, *ValidatorSet) {
	t.Helper()
	c := &Certificate{Height: 9, Round: 2, Block: SumHash([]byte("block"))}
	for _, i := range signers {
		key := testKeys[i]
		sig := key.Sign(VoteSignBytes(testNetwork, Precommit, c.Height, c.Round, c.Block))
		c.Signatures = append(c.Signatures, CertificateSignature{Validator: key.Public(), Signature: sig})
	}
	return c, setOf(t, 1, 1, 1, 1, 1)
}

// A certificate passes if, and only if, its signers are distinct and more than
// two thirds.
func TestCertificateVerify(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		signers := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 6).Draw(rt, "signers")
		distinct := slices.Compact(slices.Sorted(slices.Values(signers)))
		c, set := certificateOf(t, signers...)
		want := len(signers) == len(distinct) && 3*len(distinct) > 2*5
		if err := c.Verify(testNetwork, set); (err == nil) != want {
			rt.Fatalf("signed by %v: %v", signers, err)
		}
	})
}

func TestBadCertificates(t *testing.T) {
	stranger := NewPrivateKey([32]byte{99})
	short := func(i int) string { return testKeys[i].Public().Short() }
	for _, c := range []struct {
		change func(*Certificate)
		want   string
	}{
		{func(c *Certificate) { c.Signatures = c.Signatures[:3] }, "the certificate of height 9 has a stake of 3: it must be more than two thirds of 5"},
		{func(c *Certificate) { c.Signatures[1] = c.Signatures[0] }, "the certificate of height 9 counts " + short(0) + ", which is no validator of that height or is there twice"},
		{func(c *Certificate) {
			c.Signatures[3] = CertificateSignature{Validator: stranger.Public(), Signature: stranger.Sign(VoteSignBytes(testNetwork, Precommit, 9, 2, c.Block))}
		}, "the certificate of height 9 counts " + stranger.Public().Short() + ", which is no validator of that height or is there twice"},
		{func(c *Certificate) { c.Signatures[1].Signature[7]++ }, "the certificate of height 9: the signature of " + short(1) + " is wrong"},
		{func(c *Certificate) {
			c.Signatures[2].Signature = testKeys[2].Sign(VoteSignBytes(testNetwork, Prevote, 9, 2, c.Block))
		}, "the certificate of height 9: the signature of " + short(2) + " is wrong"},
		{func(c *Certificate) { c.Block[0]++ }, "the certificate of height 9: the signature of " + short(0) + " is wrong"},
		{func(c *Certificate) { c.Height++ }, "the certificate of height 10: the signature of " + short(0) + " is wrong"},
		{func(c *Certificate) { c.Round++ }, "the certificate of height 9: the signature of " + short(0) + " is wrong"},
	} {
		certificate, set := certificateOf(t, 0, 1, 2, 3)
		c.change(certificate)
		if err := certificate.Verify(testNetwork, set); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	c, set := certificateOf(t, 0, 1, 2, 3)
	if c.Verify(SumHash([]byte("another network")), set) == nil {
		t.Error("a certificate passes on another network")
	}
}

func TestVerifyMessage(t *testing.T) {
	set := setOf(t, 1, 1)
	key := testKeys[1]
	v := &Vote{Kind: Prevote, Height: 3, Validator: key.Public()}
	v.Signature = key.Sign(v.SignBytes(testNetwork))
	got, err := VerifyMessage(v, v.Validator, v.Signature, testNetwork, set)
	if err != nil || got.Value() != v || Vouch(v).Value() != v {
		t.Fatal(err)
	}
	if _, err := VerifyMessage(v, v.Validator, v.Signature, Hash{}, set); !errors.Is(err, ErrBadSignature) {
		t.Error(err)
	}
	if _, err := VerifyMessage(v, testKeys[0].Public(), v.Signature, testNetwork, set); !errors.Is(err, ErrBadSignature) {
		t.Error(err)
	}
	if _, err := VerifyMessage(v, testKeys[3].Public(), v.Signature, testNetwork, set); err == nil || err.Error() != testKeys[3].Public().Short()+" is no validator of this height" {
		t.Error(err)
	}
}

// Records are judged each by itself, whatever else is in the batch.
func TestRecordVerifier(t *testing.T) {
	v := RecordVerifier{Network: testNetwork, Authority: testKeys[0].Public()}
	rapid.Check(t, func(t *rapid.T) {
		var records []*Record
		var good []bool
		for range rapid.IntRange(0, 8).Draw(t, "count") {
			r := drawRecord.Draw(t, "record")
			ok := true
			if r.signed() && rapid.Bool().Draw(t, "spoil") {
				bad := *r
				bad.Nonce ^= 1
				r, ok = bad.Seal(), false
			}
			records, good = append(records, r), append(good, ok)
		}
		out, errs := v.Verify(records)
		if len(out) != len(records) || len(errs) != len(records) {
			t.Fatalf("%d records, %d results, %d errors", len(records), len(out), len(errs))
		}
		for i, r := range records {
			var field *FieldError
			switch {
			case good[i] && (errs[i] != nil || out[i].Record() != r):
				t.Fatalf("record %d is good: %v", i, errs[i])
			case !good[i] && (!errors.As(errs[i], &field) || field.Field != "signature" || out[i].Record() != nil):
				t.Fatalf("record %d is bad: %v", i, errs[i])
			}
		}
	})
}

func TestRecordOfAnotherNetwork(t *testing.T) {
	r := &Record{Type: Transfer, Sender: KeyedAccount(testKeys[1].Public()), Receiver: mustAccount(uuidA), Amount: 1}
	r.Sign(testNetwork, testKeys[1])
	stake := &Record{Type: StakeChange, Name: "eve", Stake: 1}
	stake.Sign(testNetwork, testKeys[1]) // not the authority
	v := RecordVerifier{Network: SumHash([]byte("another network")), Authority: testKeys[0].Public()}
	_, errs := v.Verify([]*Record{r})
	if want := "signature is not that of key " + testKeys[1].Public().Short() + " over this record for this network"; errs[0] == nil || errs[0].Error() != want {
		t.Errorf("%v, want %s", errs[0], want)
	}
	v.Network = testNetwork
	_, errs = v.Verify([]*Record{r, stake})
	if want := "signature is not that of key " + testKeys[0].Public().Short() + " over this record for this network"; errs[0] != nil || errs[1] == nil || errs[1].Error() != want {
		t.Errorf("%v", errs)
	}
}

func TestBlockBPM(t *testing.T) {
	guest := testKeys[2].Public()
	reading := func(author Account, bpm uint64) *Record {
		return (&Record{Type: Reading, Sender: author, BPM: bpm}).Seal()
	}
	b := &Block{Header: Header{Winner: guest}, Records: []*Record{reading(mustAccount(uuidA), 50), reading(KeyedAccount(testKeys[1].Public()), 60)}}
	if b.BPM() != 0 {
		t.Errorf("the winner has no reading in the block, but %d", b.BPM())
	}
	b.Records = append(b.Records, reading(KeyedAccount(guest), 70))
	if b.BPM() != 70 {
		t.Errorf("the winner's reading is %d, want 70", b.BPM())
	}
}

func TestEvidenceConvicts(t *testing.T) {
	network := SumHash([]byte("network"))
	by, other := NewPrivateKey(SumHash([]byte("by"))), NewPrivateKey(SumHash([]byte("other")))
	vote := func(change func(*Vote)) Vote {
		v := Vote{Kind: Prevote, Height: 3, Round: 1, Block: Hash{1}, Validator: by.Public()}
		change(&v)
		v.Signature = by.Sign(v.SignBytes(network))
		return v
	}
	first := vote(func(*Vote) {})
	for name, c := range map[string]struct {
		second Vote
		want   bool
	}{
		"another block":    {vote(func(v *Vote) { v.Block = Hash{2} }), true},
		"nil":              {vote(func(v *Vote) { v.Block = Hash{} }), true},
		"the same":         {first, false},
		"another kind":     {vote(func(v *Vote) { v.Kind, v.Block = Precommit, Hash{2} }), false},
		"another height":   {vote(func(v *Vote) { v.Height, v.Block = 4, Hash{2} }), false},
		"another round":    {vote(func(v *Vote) { v.Round, v.Block = 2, Hash{2} }), false},
		"somebody else's":  {vote(func(v *Vote) { v.Validator, v.Block = other.Public(), Hash{2} }), false},
		"signed otherwise": {func() Vote { v := vote(func(v *Vote) { v.Block = Hash{2} }); v.Block = Hash{3}; return v }(), false},
	} {
		for _, e := range []Evidence{{first, c.second}, {c.second, first}} {
			if e.Convicts(network) != c.want {
				t.Errorf("%s: convicts %v, want %v", name, !c.want, c.want)
			}
			if e.Convicts(SumHash([]byte("another network"))) {
				t.Errorf("%s: convicts in another network", name)
			}
		}
	}
}
