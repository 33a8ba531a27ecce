package types

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// fuzz gives a decoder arbitrary bytes: it never panics, takes no more memory
// than the bytes warrant, and what it accepts is canonical.
func fuzz(f *testing.F, name string) {
	e := encodings[name]
	for seed := range 8 {
		f.Add(rapid.Custom(e.draw).Example(seed))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got []byte
		var err error
		spent := allocated(func() { got, err = e.decode(bytes.Clone(raw)) })
		if limit := uint64(64<<10 + 64*len(raw)); spent > limit {
			t.Errorf("%d bytes make the decoder take %d bytes", len(raw), spent)
		}
		if err == nil && !bytes.Equal(got, raw) {
			t.Errorf("%x decodes, and encodes as %x", raw, got)
		}
	})
}

func FuzzRecord(f *testing.F)      { fuzz(f, "record") }
func FuzzRecords(f *testing.F)     { fuzz(f, "records") }
func FuzzBlock(f *testing.F)       { fuzz(f, "block") }
func FuzzVote(f *testing.F)        { fuzz(f, "vote") }
func FuzzProposal(f *testing.F)    { fuzz(f, "proposal") }
func FuzzCertificate(f *testing.F) { fuzz(f, "certificate") }
func FuzzEvidence(f *testing.F)    { fuzz(f, "evidence") }
func FuzzValidator(f *testing.F)   { fuzz(f, "validator") }

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
		err := r.UnmarshalJSON(text)
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
