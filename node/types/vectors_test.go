package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// vectors is what a client in another language can check itself against. All
// bytes are hex digits; docs/protocol.md explains the encoding.
type vectors struct {
	Network    Hash              `json:"network"`
	Keys       []keyVector       `json:"keys"`
	Accounts   []accountVector   `json:"accounts"`
	Times      []timeVector      `json:"times"`
	Records    []recordVector    `json:"records"`
	Header     headerVector      `json:"header"`
	Messages   []messageVector   `json:"messages"`
	Validators validatorsVector  `json:"validators"`
	Merkle     []merkleVector    `json:"merkle"`
	Signatures []signatureVector `json:"signatures"`
}

type keyVector struct {
	Seed   string    `json:"seed"`
	Public PublicKey `json:"public"`
}

type accountVector struct {
	Text     string `json:"text"`
	Encoding string `json:"encoding"`
}

type timeVector struct {
	JSON     json.RawMessage `json:"json"`
	Encoding string          `json:"encoding"`
}

type recordVector struct {
	What      string     `json:"what"`
	Record    *Record    `json:"record"`
	Signer    *PublicKey `json:"signer,omitempty"` // none on open records
	SignBytes string     `json:"signBytes,omitempty"`
	Encoding  string     `json:"encoding"`
	ID        Hash       `json:"id"`
}

type headerVector struct {
	Height         uint64    `json:"height"`
	Round          uint32    `json:"round"`
	Time           Time      `json:"time"`
	Prev           Hash      `json:"prev"`
	RecordsRoot    Hash      `json:"recordsRoot"`
	Records        uint32    `json:"records"`
	State          Hash      `json:"state"`
	Validators     Hash      `json:"validators"`
	NextValidators Hash      `json:"nextValidators"`
	Proof          string    `json:"proof"`
	Winner         PublicKey `json:"winner"`
	Proposer       PublicKey `json:"proposer"`
	Encoding       string    `json:"encoding"` // with its domain: what is hashed
	Hash           Hash      `json:"hash"`
}

// messageVector is a message between validators.
type messageVector struct {
	What      string    `json:"what"`
	Signer    PublicKey `json:"signer"`
	SignBytes string    `json:"signBytes"`
	Signature Signature `json:"signature"`
	Encoding  string    `json:"encoding"`
}

type validatorsVector struct {
	List     []Validator `json:"list"`
	Encoding string      `json:"encoding"` // with its domain: what is hashed
	Hash     Hash        `json:"hash"`
}

type merkleVector struct {
	IDs    []Hash   `json:"ids"`
	Root   Hash     `json:"root"`
	Proofs [][]Hash `json:"proofs"` // of each id in turn
}

// signatureVector is a case in which rules of verification differ.
type signatureVector struct {
	What      string    `json:"what"`
	Key       PublicKey `json:"key"`
	Message   string    `json:"message"`
	Signature Signature `json:"signature"`
	Valid     bool      `json:"valid"`
}

const vectorTime Time = 1_700_000_000_123_456_789

func makeVectors(t *testing.T) vectors {
	v := vectors{Network: testNetwork, Records: recordVectors()}
	for _, k := range testKeys[:3] {
		seed := k.Seed()
		v.Keys = append(v.Keys, keyVector{hex.EncodeToString(seed[:]), k.Public()})
	}
	for _, a := range []Account{Genesis, mustAccount(uuidA), KeyedAccount(testKeys[1].Public())} {
		e := NewEncoder("", 0)
		e.account(a)
		v.Accounts = append(v.Accounts, accountVector{a.String(), hex.EncodeToString(e.Data())})
	}
	for _, at := range []Time{0, 1, 1_500_000_000, vectorTime} {
		v.Times = append(v.Times, timeVector{json.RawMessage(at.String()), fmt.Sprintf("%016x", int64(at))})
	}
	v.Header = makeHeaderVector(v.Records)
	v.Messages = messageVectors(v.Records)
	v.Validators = makeValidatorsVector(t)
	for _, n := range []int{0, 1, 2, 3, 7} {
		m := merkleVector{IDs: ids(n), Root: MerkleRoot(ids(n)), Proofs: [][]Hash{}}
		for i := range n {
			m.Proofs = append(m.Proofs, append([]Hash{}, MerkleProof(ids(n), i)...))
		}
		v.Merkle = append(v.Merkle, m)
	}
	v.Signatures = signatureVectors(t)
	return v
}

func recordVectors() (list []recordVector) {
	authority, alice, guest := testKeys[0], testKeys[1], testKeys[2]
	keyed, open := KeyedAccount(alice.Public()), mustAccount(uuidA)
	add := func(what string, r *Record, key *PrivateKey) {
		r.Time = vectorTime
		vector := recordVector{What: what, Record: r}
		if key == nil {
			r.Seal()
		} else {
			public := key.Public()
			r.Sign(testNetwork, *key)
			vector.Signer, vector.SignBytes = &public, hex.EncodeToString(r.SignBytes(testNetwork))
		}
		vector.Encoding, vector.ID = hex.EncodeToString(r.Raw()), r.ID()
		list = append(list, vector)
	}
	add("transfer of a keyed account", &Record{Type: Transfer, Sender: keyed, Receiver: open, Amount: 12345, Nonce: 7}, &alice)
	add("transfer of an open account", &Record{Type: Transfer, Sender: open, Receiver: keyed, Amount: MaxAmount}, nil)
	add("mint", &Record{Type: Transfer, Sender: Genesis, Receiver: open, Amount: 10000}, nil)
	add("reading of a keyed account", &Record{Type: Reading, Sender: keyed, BPM: 72, Nonce: 8}, &alice)
	add("reading of an open account", &Record{Type: Reading, Sender: open, BPM: 0}, nil)
	add("change of stake, signed by the authority", &Record{Type: StakeChange, Validator: alice.Public(), VRFKey: guest.Public(), Name: "alice", Stake: 100, Nonce: 0}, &authority)
	add("entry of a guest", &Record{Type: Entry, Session: guest.Public(), Validator: alice.Public(), Amount: 50, BPM: 64, Nonce: 0}, &guest)
	add("leave of a guest", &Record{Type: Leave, Session: guest.Public(), Nonce: 1}, &guest)
	return list
}

func vectorHeader(records []recordVector) Header {
	var recordIDs []Hash
	for _, r := range records {
		recordIDs = append(recordIDs, r.ID)
	}
	h := Header{
		Network: testNetwork, Height: 12, Round: 1, Time: vectorTime, Prev: SumHash([]byte("parent")), RecordsRoot: MerkleRoot(recordIDs),
		Records: uint32(len(recordIDs)), State: SumHash([]byte("state")), Validators: SumHash([]byte("validators")),
		NextValidators: SumHash([]byte("next validators")),
		Winner:         testKeys[2].Public(), Proposer: testKeys[1].Public(),
	}
	for i := range h.Proof {
		h.Proof[i] = byte(i)
	}
	return h
}

func makeHeaderVector(records []recordVector) headerVector {
	h := vectorHeader(records)
	return headerVector{
		Height: h.Height, Round: h.Round, Time: h.Time, Prev: h.Prev, RecordsRoot: h.RecordsRoot, Records: h.Records, State: h.State,
		Validators: h.Validators, NextValidators: h.NextValidators, Proof: hex.EncodeToString(h.Proof[:]), Winner: h.Winner, Proposer: h.Proposer,
		Encoding: hex.EncodeToString(h.Encode()), Hash: h.Hash(),
	}
}

func messageVectors(records []recordVector) (list []messageVector) {
	key, h := testKeys[1], vectorHeader(records)
	vote := func(what string, kind VoteKind, block Hash) {
		v := Vote{Kind: kind, Height: 12, Round: 1, Block: block, Validator: key.Public()}
		v.Signature = key.Sign(v.SignBytes(testNetwork))
		list = append(list, messageVector{what, v.Validator, hex.EncodeToString(v.SignBytes(testNetwork)), v.Signature, hex.EncodeToString(v.Encode())})
	}
	vote("prevote for the header's block", Prevote, h.Hash())
	vote("precommit for the header's block", Precommit, h.Hash())
	vote("precommit for nil", Precommit, Hash{})
	p := Proposal{Height: 12, Round: 1, ValidRound: NoRound, Header: h, Validator: key.Public()}
	for _, r := range records {
		p.RecordIDs = append(p.RecordIDs, r.ID)
	}
	p.Signature = key.Sign(p.SignBytes(testNetwork))
	c := Candidate{Height: 12, Validator: key.Public()}
	c.Signature = key.Sign(c.SignBytes(testNetwork))
	pass := Pass{Height: 12, Round: 1, Validator: key.Public()}
	pass.Signature = key.Sign(pass.SignBytes(testNetwork))
	return append(list,
		messageVector{"proposal of the header's block, new in round 1", key.Public(), hex.EncodeToString(p.SignBytes(testNetwork)), p.Signature, hex.EncodeToString(p.Encode())},
		messageVector{"candidate", key.Public(), hex.EncodeToString(c.SignBytes(testNetwork)), c.Signature, hex.EncodeToString(c.Encode())},
		messageVector{"pass", key.Public(), hex.EncodeToString(pass.SignBytes(testNetwork)), pass.Signature, hex.EncodeToString(pass.Encode())},
	)
}

func makeValidatorsVector(t *testing.T) validatorsVector {
	set := setOf(t, 100, 50, 10)
	e := NewEncoder(validatorsDomain, 0)
	for _, v := range set.List() {
		e.Fixed(v.Encode())
	}
	return validatorsVector{set.List(), hex.EncodeToString(e.Data()), set.Hash()}
}

// signatureVectors leaves out cases that are made of random numbers, and most
// of the 196 that are alike.
func signatureVectors(t *testing.T) (list []signatureVector) {
	for i, c := range edgeCases(t) {
		if i < 196 && i%15 == 0 || i >= 196 && !strings.Contains(c.name, "torsion") {
			list = append(list, signatureVector{c.name, c.key, hex.EncodeToString(c.message), c.sig, c.valid})
		}
	}
	return list
}

const vectorsFile = "testdata/vectors.json"

// The file holds what this code computes. It changes only if the protocol does:
// then with go test ./node/types -run TestVectors -update.
func TestVectors(t *testing.T) {
	want, err := json.MarshalIndent(makeVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code computes: the protocol has changed, and every network with it", vectorsFile)
	}
}

// TestVectorsASecondWay computes from the file what a client would, with nothing
// of this package: encodings from the JSON of records, hashes and signatures by
// the standard library.
func TestVectorsASecondWay(t *testing.T) {
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Network string
		Records []struct {
			What, Signer, SignBytes, Encoding, ID string
			Record                                map[string]any
		}
		Header     struct{ Encoding, Hash string }
		Messages   []struct{ What, Signer, SignBytes, Signature, Encoding string }
		Validators struct{ Encoding, Hash string }
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Records {
		body := slowBody(r.Record)
		signature, _ := r.Record["signature"].(string)
		if r.Encoding != body+signature {
			t.Errorf("%s: encoded as %s, by hand %s", r.What, r.Encoding, body+signature)
		}
		if digest := sha256.Sum256(unhex(t, r.Encoding)); hex.EncodeToString(digest[:]) != r.ID {
			t.Errorf("%s: id %s", r.What, r.ID)
		}
		if domain := hex.EncodeToString([]byte("posnet/record/v1")); r.Signer != "" && r.SignBytes != domain+file.Network+body {
			t.Errorf("%s: signs %s", r.What, r.SignBytes)
		}
		if r.Signer != "" && !ed25519.Verify(unhex(t, r.Signer), unhex(t, r.SignBytes), unhex(t, signature)) {
			t.Errorf("%s: the signature is wrong", r.What)
		}
	}
	for _, m := range file.Messages {
		if !ed25519.Verify(unhex(t, m.Signer), unhex(t, m.SignBytes), unhex(t, m.Signature)) || !strings.HasSuffix(m.Encoding, m.Signer+m.Signature) {
			t.Errorf("%s: the signature is wrong or missing in the encoding", m.What)
		}
	}
	for _, h := range []struct{ Encoding, Hash string }{file.Header, file.Validators} {
		if digest := sha256.Sum256(unhex(t, h.Encoding)); hex.EncodeToString(digest[:]) != h.Hash {
			t.Errorf("hash %s of %s", h.Hash, h.Encoding)
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// slowBody writes a record's encoding without its signature, from its JSON.
func slowBody(r map[string]any) string {
	number := func(field string) string {
		n, err := strconv.ParseUint(fmt.Sprint(r[field]), 10, 64)
		if err != nil {
			return "no number: " + field
		}
		return fmt.Sprintf("%016x", n)
	}
	account := func(field string) string {
		text := fmt.Sprint(r[field])
		if len(text) == 64 {
			return "01" + text
		}
		return "02" + strings.ReplaceAll(text, "-", "")
	}
	text := func(field string) string { return fmt.Sprint(r[field]) }
	seconds, nanos, _ := strings.Cut(fmt.Sprint(r["t"]), ".")
	r["t"] = seconds + (nanos + "000000000")[:9]
	var body string
	switch r["type"] {
	case nil:
		body = "01" + number("t") + account("sender") + account("receiver") + number("amount")
	case "reading":
		body = "02" + number("t") + account("author") + number("bpm")
	case "stake":
		name := text("name")
		body = "03" + number("t") + text("validator") + text("vrfKey") + fmt.Sprintf("%08x%x", len(name), name) + number("stake")
	case "entry":
		body = "04" + number("t") + text("session") + text("validator") + number("balance") + number("bpm")
	case "leave":
		body = "05" + number("t") + text("session")
	}
	if r["signature"] != nil {
		body += number("nonce")
	}
	return body
}
