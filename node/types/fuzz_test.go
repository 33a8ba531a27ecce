package types

import (
	"bytes"
	"encoding"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/test/fuzzed"
)

// fuzz gives a decoder arbitrary bytes: it never panics, takes no more memory
// than the bytes warrant, says what is wrong, and what it accepts is canonical.
func fuzz(f *testing.F, name string) {
	e := encodings[name]
	for seed := range 8 {
		f.Add(rapid.Custom(e.draw).Example(seed))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got []byte
		var err error
		fuzzed.Memory(t, len(raw), func() { got, err = e.decode(bytes.Clone(raw)) })
		fuzzed.Sentence(t, err)
		if err == nil && !bytes.Equal(got, raw) {
			t.Errorf("%x decodes, and encodes as %x", raw, got)
		}
	})
}

func FuzzRecord(f *testing.F)       { fuzz(f, "record") }
func FuzzRecords(f *testing.F)      { fuzz(f, "records") }
func FuzzBlock(f *testing.F)        { fuzz(f, "block") }
func FuzzVote(f *testing.F)         { fuzz(f, "vote") }
func FuzzProposal(f *testing.F)     { fuzz(f, "proposal") }
func FuzzCandidate(f *testing.F)    { fuzz(f, "candidate") }
func FuzzPass(f *testing.F)         { fuzz(f, "pass") }
func FuzzCertificate(f *testing.F)  { fuzz(f, "certificate") }
func FuzzEvidence(f *testing.F)     { fuzz(f, "evidence") }
func FuzzValidator(f *testing.F)    { fuzz(f, "validator") }
func FuzzValidatorSet(f *testing.F) { fuzz(f, "validators") }

// FuzzTexts reads arbitrary text as all that stands in JSON as text: what is
// accepted is written in one way, which is read as the same.
func FuzzTexts(f *testing.F) {
	for _, text := range []string{
		"", "0", "9007199254740991", "9007199254740992", "-1", "-0", "007", "1e3", "1.5", "1767225600.123456789", "1767225600.1234567890",
		"9223372036.854775807", "9223372036.854775808", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000",
		strings.Repeat("aB", 32), strings.Repeat("0f", 64), "prevote", "urn:uuid:00000000-0000-0000-0000-0000", "\xff\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reread(t, text, ParseAccount, Account.String)
		reread(t, text, ParseTime, Time.String)
		reread(t, text, func(s string) (uint64, error) { return ParseWhole(s, 0) }, func(n uint64) string { return strconv.FormatUint(n, 10) })
		reread(t, text, texted[Hash], Hash.String)
		reread(t, text, texted[PublicKey], PublicKey.String)
		reread(t, text, texted[Signature], Signature.String)
		reread(t, text, texted[VoteKind], VoteKind.String)
		if key, err := texted[PrivateKey](text); err != nil && text != "" && len(text) > 8 && strings.Contains(err.Error(), text) || strings.Contains(key.String(), text) && len(text) == 64 && !strings.EqualFold(text, key.Public().String()) {
			t.Errorf("%q is shown, and may be a secret", text)
		}
	})
}

// reread reads a text, and what was read from how it is written.
func reread[T comparable](t *testing.T, text string, read func(string) (T, error), write func(T) string) {
	t.Helper()
	v, err := read(text)
	fuzzed.Sentence(t, err)
	if err != nil {
		return
	}
	if again, err := read(write(v)); err != nil || again != v {
		t.Errorf("%q is read as %v, written as %q, and that is read as %v, %v", text, v, write(v), again, err)
	}
}

// texted reads a value that unmarshals itself.
func texted[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string) (v T, err error) {
	err = P(&v).UnmarshalText([]byte(text))
	return v, err
}

// FuzzRecordJSON reads arbitrary text as a record: never a panic, what is
// accepted is JSON that encoding/json reads alike, and comes back the same.
func FuzzRecordJSON(f *testing.F) {
	for seed := range 10 {
		text, err := drawRecord.Example(seed).MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, c := range badRecords {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Record
		var err error
		fuzzed.Memory(t, len(text), func() { r = Record{}; err = r.UnmarshalJSON(text) })
		fuzzed.Sentence(t, err)
		if slow := slowRecord(text); (err == nil) != (slow == nil) {
			t.Fatalf("%s: error %v, but by encoding/json %v", text, err, slow)
		}
		if err != nil {
			return
		}
		written, err := json.Marshal(&r)
		if err != nil {
			t.Fatalf("%s: accepted, but cannot be written: %v", text, err)
		}
		var back Record
		if err := json.Unmarshal(written, &back); err != nil || !sameRecord(&r, &back) {
			t.Fatalf("%s: written as %s, which reads as %+v, %v", text, written, back, err)
		}
	})
}
