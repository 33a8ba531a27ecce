package types

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	onEachEncoding(t, func(t *rapid.T, e encoded) {
		raw := e.draw(t)
		if got, err := e.decode(bytes.Clone(raw)); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%x came back as %x, %v", raw, got, err)
		}
	})
}

// Values, not only their encodings, come back; so no field is left out of both
// directions.
func TestDecodedFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		check := func(what string, want, got any, err error) {
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %+v came back as %+v, %v", what, want, got, err)
			}
		}
		r := drawRecord.Draw(t, "record")
		gotRecord, err := DecodeRecord(bytes.Clone(r.Raw()))
		check("record", r, gotRecord, err)
		b := drawBlock.Draw(t, "block")
		gotBlock, err := DecodeBlock(b.Encode())
		check("block", b, gotBlock, err)
		v := drawVote.Draw(t, "vote")
		gotVote, err := DecodeVote(v.Encode())
		check("vote", v, gotVote, err)
		p := drawProposal.Draw(t, "proposal")
		gotProposal, err := DecodeProposal(p.Encode())
		check("proposal", p, gotProposal, err)
		val := drawValidator.Draw(t, "validator")
		gotValidator, err := DecodeValidator(val.Encode())
		check("validator", val, gotValidator, err)
	})
}

// A value has one encoding only: whatever is cut or changed in it either fails
// or is the one encoding of another value.
func TestEncodingIsCanonical(t *testing.T) {
	onEachEncoding(t, func(t *rapid.T, e encoded) {
		raw := e.draw(t)
		for cut := range raw {
			if got, err := e.decode(bytes.Clone(raw[:cut])); err == nil {
				t.Fatalf("%x, cut to %d bytes, passes for %x", raw, cut, got)
			}
		}
		if got, err := e.decode(append(bytes.Clone(raw), 0)); err == nil {
			t.Fatalf("%x with a byte more passes for %x", raw, got)
		}
		for at := range raw {
			bad := bytes.Clone(raw)
			bad[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
			if got, err := e.decode(bytes.Clone(bad)); err == nil && !bytes.Equal(got, bad) {
				t.Fatalf("%x decodes, and encodes as %x", bad, got)
			}
		}
	})
}

// A record's id changes with every byte of it, the signature's included.
func TestRecordIDBindsEveryByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord.Draw(t, "record")
		at := rapid.IntRange(0, len(r.Raw())-1).Draw(t, "at")
		bad := bytes.Clone(r.Raw())
		bad[at]++
		if other, err := DecodeRecord(bad); err == nil && other.ID() == r.ID() {
			t.Fatalf("two records have the id %v", r.ID())
		}
	})
}

// Neither network nor domain can be taken for another: what is signed for one
// purpose serves no other.
func TestSignBytesAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, p, r := drawVote.Draw(t, "vote"), drawProposal.Draw(t, "proposal"), drawRecord.Draw(t, "record")
		c := Candidate{Height: v.Height}
		pass := Pass{Height: v.Height, Round: v.Round}
		other := SumHash([]byte("another network"))
		seen := map[string]string{}
		for name, b := range map[string][]byte{
			"vote": v.SignBytes(testNetwork), "vote elsewhere": v.SignBytes(other),
			"proposal": p.SignBytes(testNetwork), "proposal elsewhere": p.SignBytes(other),
			"record": r.SignBytes(testNetwork), "record elsewhere": r.SignBytes(other),
			"candidate": c.SignBytes(testNetwork), "candidate elsewhere": c.SignBytes(other),
			"pass": pass.SignBytes(testNetwork), "pass elsewhere": pass.SignBytes(other),
			"header": p.Header.Encode(),
		} {
			if same, ok := seen[string(b)]; ok {
				t.Fatalf("%s and %s sign the same bytes", name, same)
			}
			seen[string(b)] = name
		}
	})
}

func TestDecodeBadEncodings(t *testing.T) {
	open := (&Record{Type: Reading, Sender: OpenAccount([16]byte{1}), BPM: 60}).Seal().Raw()
	change := func(at int, b byte) []byte {
		raw := bytes.Clone(open)
		raw[at] = b
		return raw
	}
	record := func(raw []byte) error { _, err := DecodeRecord(raw); return err }
	vote := (&Vote{Kind: Prevote}).Encode()
	vote[0] = 3
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"nothing":            {record(nil), "the encoding ends early: 1 bytes wanted, 0 left"},
		"too long":           {record(make([]byte, MaxRecordBytes+1)), "a record of 257 bytes: at most 256 are allowed"},
		"type 0":             {record(change(0, 0)), "record type 0: it must be 1 to 5"},
		"type 6":             {record(change(0, 6)), "record type 6: it must be 1 to 5"},
		"before 1970":        {record(change(1, 0x80)), "t is before 1970: it must be seconds since 1970, not negative"},
		"account kind 0":     {record(change(9, 0)), "account kind 0: it must be 1 (keyed) or 2 (open)"},
		"account kind 3":     {record(change(9, 3)), "account kind 3: it must be 1 (keyed) or 2 (open)"},
		"GENESIS as author":  {record(change(10, 0)), "author is GENESIS (00000000-0000-0000-0000-000000000000), which has no pulse: name an account"},
		"bpm of 2^56":        {record(change(len(open)-8, 1)), "bpm is 72057594037927996: it must be a whole number from 0 to 9007199254740991"},
		"a byte more":        {record(append(bytes.Clone(open), 7)), "1 bytes are left over after the end"},
		"vote of kind 3":     {decodeError(DecodeVote(vote)), "vote kind 3: it must be 1 (prevote) or 2 (precommit)"},
		"evidence of 3 byte": {decodeError(DecodeEvidence([]byte{1, 2, 3})), "evidence of 3 bytes: it must have 282"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%s: error %q, want %q", name, c.err, c.want)
		}
	}
}

func decodeError[T any](_ T, err error) error { return err }

func TestCheckBodyAndForm(t *testing.T) {
	r := (&Record{Type: Reading, Sender: OpenAccount([16]byte{1})}).Seal()
	b := &Block{Header: Header{Height: 7, Records: 1, RecordsRoot: MerkleRoot([]Hash{r.ID()})}, Records: []*Record{r}}
	if err := b.CheckBody(); err != nil {
		t.Fatal(err)
	}
	b.Records = append(b.Records, r)
	if err := b.CheckBody(); err == nil || err.Error() != "the block at height 7 does not hold the records its header binds" {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(*Proposal)
		want   string
	}{
		{func(*Proposal) {}, ""},
		{func(p *Proposal) { p.Height = 8 }, "a proposal for height 8 holds a block of height 7"},
		{func(p *Proposal) { p.ValidRound = 4 }, "a proposal of round 4 names valid round 4: it must be -1 or an earlier round"},
		{func(p *Proposal) { p.ValidRound = -2 }, "a proposal of round 4 names valid round -2: it must be -1 or an earlier round"},
		{func(p *Proposal) { p.ValidRound = NoRound }, "a new proposal of round 4 holds a block made in round 2"},
		{func(p *Proposal) { p.ValidRound = 1 }, "a proposal with valid round 1 holds a block made later, in round 2"},
		{func(p *Proposal) { p.RecordIDs[0][0]++ }, "a proposal for height 7 does not name the records its header binds"},
		{func(p *Proposal) { p.RecordIDs = nil }, "a proposal for height 7 does not name the records its header binds"},
	} {
		p := &Proposal{Height: 7, Round: 4, ValidRound: 2, Header: b.Header, RecordIDs: []Hash{r.ID()}}
		p.Header.Round = 2
		c.change(p)
		if err := p.CheckForm(); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// A length that lies makes nobody allocate what is not there.
func TestLyingLengthsAllocateNothing(t *testing.T) {
	for name, e := range encodings {
		t.Run(name, func(t *testing.T) {
			raw := rapid.Custom(e.draw).Example(1)
			for at := 0; at+4 <= len(raw); at++ {
				for _, length := range []uint32{MaxBlockRecords, 1<<32 - 1} {
					if spent := allocated(func() { e.decode(lying(raw, at, length)) }); spent > 64<<10 {
						t.Fatalf("a length of %d at byte %d of %d makes the decoder take %d bytes", length, at, len(raw), spent)
					}
				}
			}
		})
	}
}

// allocated returns how many bytes f takes from the heap.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestSizes(t *testing.T) {
	long := &Record{Type: StakeChange, Name: string(bytes.Repeat([]byte("n"), MaxNameBytes))}
	if n := len(long.Seal().Raw()); n != 220 || n > MaxRecordBytes {
		t.Errorf("the largest record has %d bytes", n)
	}
	short := &Record{Type: Reading, Sender: OpenAccount([16]byte{1})}
	if n := 4 + len(short.Seal().Raw()); n != minRecordBytes {
		t.Errorf("the smallest record has %d bytes, taken for %d", n, minRecordBytes)
	}
	if n := len((&Header{}).Encode()) - len(headerDomain); n != headerBytes {
		t.Errorf("a header has %d bytes, taken for %d", n, headerBytes)
	}
	if n := len((&Vote{}).Encode()); n != voteBytes {
		t.Errorf("a vote has %d bytes, taken for %d", n, voteBytes)
	}
}
