package message_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

func TestTimestamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := message.Timestamp(rapid.Int64Range(1, 9_000_000_000_000_000_000).Draw(t, "nanoseconds"))
		text, err := json.Marshal(want)
		if err != nil || len(text) != len(`"2026-01-01T00:00:00.000000000Z"`) {
			t.Fatalf("%s: %v", text, err)
		}
		var got message.Timestamp
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s reads as %v: %v", text, got, err)
		}
	})
	var got message.Timestamp
	for text, want := range map[string]message.Timestamp{
		`null`: 0, `"1970-01-01T00:00:01Z"`: 1e9, `"1970-01-01T01:00:00.5+01:00"`: message.Timestamp(500 * time.Millisecond),
	} {
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s reads as %d: %v", text, got, err)
		}
	}
	for _, text := range []string{`7`, `"yesterday"`, `""`, `{}`} {
		if err := json.Unmarshal([]byte(text), &got); err == nil || !strings.Contains(err.Error(), "RFC 3339") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestHex(t *testing.T) {
	var h message.Hex
	if err := json.Unmarshal([]byte(`"00ff7a"`), &h); err != nil || string(h) != "\x00\xff\x7a" {
		t.Errorf("%x: %v", h, err)
	}
	for _, text := range []string{`"0"`, `"zz"`, `7`} {
		if err := json.Unmarshal([]byte(text), &h); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// block makes a block of n records, won by a guest.
func block(n int) *types.Block {
	guest := types.NewPrivateKey([32]byte{5})
	b := &types.Block{}
	for i := range n {
		b.Records = append(b.Records, (&types.Record{
			Type: types.Reading, Time: types.Time(i), Sender: types.KeyedAccount(guest.Public()), BPM: uint64(60 + i), Nonce: uint64(i),
		}).Sign(types.Hash{1}, guest))
	}
	b.Header = types.Header{
		Network: types.Hash{1}, Height: 9, Round: 2, Time: 1767225600_123456789, Prev: types.Hash{2}, RecordsRoot: types.MerkleRoot(b.IDs()), Records: uint32(n),
		State: types.Hash{3}, Validators: types.Hash{4}, NextValidators: types.Hash{5}, Proof: types.VRFProof{7: 8}, Winner: guest.Public(), Proposer: types.PublicKey{6},
	}
	return b
}

// A block read back from its JSON has the same header, records and hash.
func TestBlockRoundTrip(t *testing.T) {
	b := block(3)
	certificate := &types.Certificate{Height: 9, Round: 2, Block: b.Header.Hash()}
	text, err := json.Marshal(message.NewBlock(b, certificate, "alice", message.BlockOptions{Certified: true}))
	if err != nil {
		t.Fatal(err)
	}
	var got message.Block
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	header, err := got.Header.Types()
	if err != nil || *header != b.Header {
		t.Errorf("the header reads back as %+v: %v", header, err)
	}
	if got.Hash != b.Header.Hash() || got.Certificate.Block != got.Hash || got.BPM != 60 || !got.Guest || got.Name != "alice" || got.Validator != b.Header.Winner {
		t.Errorf("the block reads back as %+v", got)
	}
	for i, item := range got.Items {
		if item.Record.ID() != b.Records[i].ID() {
			t.Errorf("item %d reads back as another", i)
		}
	}
}

func TestBadItems(t *testing.T) {
	for _, text := range []string{`7`, `{}`, `{"prev_hash":7}`, `{"sender":"x"}`} {
		var item message.Item
		if err := json.Unmarshal([]byte(text), &item); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// A proof holds for its record, and stops holding when anything in it changes.
func TestProofCheck(t *testing.T) {
	b := block(5)
	validators := []types.Validator{{Name: "alice", Key: types.PublicKey{6}, VRFKey: types.PublicKey{7}, Stake: 10, DrawFrom: 1}}
	set, err := types.NewValidatorSet(validators)
	if err != nil {
		t.Fatal(err)
	}
	b.Header.Validators = set.Hash()
	proof := func() message.Proof {
		return message.Proof{
			Validators: slices.Clone(validators),
			ID:         b.Records[3].ID(), Height: 9, Index: 3, Count: 5, Root: b.Header.RecordsRoot, Path: types.MerkleProof(b.IDs(), 3),
			Header: message.NewHeader(&b.Header), Certificate: &types.Certificate{Height: 9, Round: 2, Block: b.Header.Hash()},
		}
	}
	p := proof()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *message.Proof){
		"id":             func(p *message.Proof) { p.ID[0]++ },
		"index":          func(p *message.Proof) { p.Index-- },
		"index beyond":   func(p *message.Proof) { p.Index = 5 },
		"count":          func(p *message.Proof) { p.Count++ },
		"height":         func(p *message.Proof) { p.Height++ },
		"root":           func(p *message.Proof) { p.Root[0]++ },
		"path":           func(p *message.Proof) { p.Path[0][0]++ },
		"short path":     func(p *message.Proof) { p.Path = p.Path[1:] },
		"header":         func(p *message.Proof) { p.Header.Round++ },
		"header's proof": func(p *message.Proof) { p.Header.Proof = p.Header.Proof[1:] },
		"certificate":    func(p *message.Proof) { p.Certificate.Block[0]++ },
		"no certificate": func(p *message.Proof) { p.Certificate = nil },
		"root of both":   func(p *message.Proof) { p.Root[0]++; p.Header.RecordsRoot[0]++ },
		"validator":      func(p *message.Proof) { p.Validators[0].Stake++ },
		"no validators":  func(p *message.Proof) { p.Validators = nil },
	} {
		p := proof()
		change(&p)
		if err := p.Check(); err == nil {
			t.Errorf("a proof with another %s holds", name)
		}
	}
}
