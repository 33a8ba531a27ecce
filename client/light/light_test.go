package light_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/client/light"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// reread is a receipt as it comes out of its file.
func reread(t testing.TB, r *light.Receipt) *light.Receipt {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	out := &light.Receipt{}
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every record of a chain whose validators come, change and go can be proved to
// somebody who knows nothing but the network's id.
func TestReceipts(t *testing.T) {
	made := forge.Lively()
	handovers := 0
	for _, b := range made.Blocks {
		for i, record := range b.Records {
			r := reread(t, made.Receipt(b.Header.Height, i))
			c, err := r.Check()
			if err != nil {
				t.Fatalf("record %d of height %d: %v", i, b.Header.Height, err)
			}
			if c.Network != made.Genesis.Network() || c.Header.Hash() != b.Header.Hash() || c.Total != b.Set.Total() ||
				len(c.Signers) != len(b.Certificate.Signatures) || 3*c.Signed <= 2*c.Total || r.Record.ID() != record.ID() {
				t.Errorf("record %d of height %d: %+v", i, b.Header.Height, c)
			}
			handovers = max(handovers, len(r.Handovers))
		}
	}
	if handovers < 3 {
		t.Errorf("%d handovers: the chain tests less than it says", handovers)
	}
}

// late is the receipt of a record of the first block after the validators
// changed several times.
func late(t testing.TB, made *forge.Chain) *light.Receipt {
	t.Helper()
	for _, b := range made.Blocks {
		if len(b.Records) > 1 && len(made.Handovers(b.Header.Height)) == 2 {
			return reread(t, made.Receipt(b.Header.Height, 1))
		}
	}
	t.Fatal("the chain has no such block")
	return nil
}

// Each part of a receipt is needed, and no other will do.
func TestWrongReceipts(t *testing.T) {
	made := forge.Lively()
	other := types.KeyedAccount(forge.Key("eve").Public())
	cases := map[string]struct {
		change func(r *light.Receipt)
		want   string
	}{
		"another id":               {func(r *light.Receipt) { r.Proof.ID[0] ^= 1 }, "its path does not lead to the root"},
		"another place":            {func(r *light.Receipt) { r.Proof.Index++ }, "its path does not lead to the root"},
		"another count":            {func(r *light.Receipt) { r.Proof.Count++ }, "names another root, count or height than its header"},
		"another root":             {func(r *light.Receipt) { r.Proof.Root[0] ^= 1 }, "names another root, count or height than its header"},
		"a path with another hash": {func(r *light.Receipt) { r.Proof.Path[0][0] ^= 1 }, "its path does not lead to the root"},
		"a path cut short":         {func(r *light.Receipt) { r.Proof.Path = r.Proof.Path[1:] }, "its path does not lead to the root"},
		"another header":           {func(r *light.Receipt) { r.Proof.Header.Time++ }, "a certificate of another block than its header"},
		"a header cut short":       {func(r *light.Receipt) { r.Proof.Header.Proof = nil }, "has a proof of 0 bytes"},
		"no certificate":           {func(r *light.Receipt) { r.Proof.Certificate = nil }, "a certificate of another block than its header"},
		"a wrong signature": {func(r *light.Receipt) {
			r.Proof.Certificate.Signatures[0].Signature[0] ^= 1
		}, "the signature of"},
		"no quorum": {func(r *light.Receipt) {
			r.Proof.Certificate.Signatures = r.Proof.Certificate.Signatures[:1]
		}, "it must be more than two thirds"},
		"other validators":           {func(r *light.Receipt) { r.Proof.Validators[0].Stake++ }, "names other validators than its header binds"},
		"no validators":              {func(r *light.Receipt) { r.Proof.Validators = nil }, "0 validators"},
		"another record":             {func(r *light.Receipt) { r.Record = message.Item{Record: made.Blocks[0].Records[0]} }, "is not the one that is proved"},
		"no record":                  {func(r *light.Receipt) { r.Record = message.Item{} }, "is not the one that is proved"},
		"a handover missing":         {func(r *light.Receipt) { r.Handovers = r.Handovers[1:] }, "nothing that is trusted leads to the validators"},
		"no handovers":               {func(r *light.Receipt) { r.Handovers = nil }, "nothing that is trusted leads to the validators"},
		"handovers in another order": {func(r *light.Receipt) { slices.Reverse(r.Handovers) }, "nothing that is trusted leads to the validators"},
		"a handover twice":           {func(r *light.Receipt) { r.Handovers = append(r.Handovers, r.Handovers[1]) }, "they must come in order"},
		"a handover to others": {func(r *light.Receipt) {
			r.Handovers[1].Validators = r.Handovers[0].Validators
		}, "names other validators than its header binds"},
		"a handover to nobody":             {func(r *light.Receipt) { r.Handovers[1].Validators = nil }, "0 validators"},
		"a handover that nobody certified": {func(r *light.Receipt) { r.Handovers[0].Certificate = nil }, "the certificate is not that of the block"},
		"a handover certified for another block": {func(r *light.Receipt) {
			r.Handovers[0].Certificate = r.Handovers[1].Certificate
		}, "the certificate is not that of the block"},
		"no genesis": {func(r *light.Receipt) { r.Genesis = []byte("{}") }, "name is missing"},
		"the genesis of another network": {func(r *light.Receipt) {
			g := *made.Genesis
			g.Accounts = append(slices.Clone(g.Accounts), genesis.Account{Account: other, Balance: 1})
			r.Genesis, _ = json.Marshal(&g)
		}, "the block is of network"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := late(t, made)
			c.change(r)
			if _, err := r.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

// Validators who were not handed over to prove nothing, even if they are a
// quorum of their own set and the header names them.
func TestForgedByStrangers(t *testing.T) {
	made := forge.Lively()
	forged := forge.New(forge.Genesis(map[string]uint64{"mallory": 100}, "anna", "ben"))
	forged.Add(forged.Pay("anna", "ben", 5))
	b := forged.Blocks[0].Clone()
	b.Header.Network, b.Header.Height = made.Genesis.Network(), 30
	b.Reseal()
	r := reread(t, made.Receipt(30-1, 0))
	r.Proof.ID, r.Proof.Height, r.Proof.Index, r.Proof.Count, r.Proof.Root, r.Proof.Path = b.Records[0].ID(), 30, 0, 1, b.Header.RecordsRoot, nil
	r.Proof.Header, r.Proof.Certificate, r.Proof.Validators = message.NewHeader(&b.Header), b.Certificate, b.Set.List()
	r.Record = message.Item{Record: b.Records[0]}
	if err := r.Proof.Verify(made.Genesis.Network(), b.Set); err != nil {
		t.Fatalf("for whoever trusts mallory the proof holds: %v", err)
	}
	if _, err := r.Check(); err == nil || !strings.Contains(err.Error(), "nothing that is trusted leads to the validators") {
		t.Errorf("got %v", err)
	}
}

// Validators are trusted from the height on that they were handed over at, not
// before.
func TestNotBeforeTheHandover(t *testing.T) {
	made := forge.Lively()
	trust, err := light.New(made.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	handovers := made.Handovers(forge.LivelyBlocks)
	if err := trust.Take(&handovers[0]); err != nil {
		t.Fatal(err)
	}
	b := made.Blocks[handovers[0].Header.Height].Clone() // the first of the new set
	b.Header.Height = 2
	b.Reseal()
	p := made.Receipt(made.Blocks[handovers[0].Header.Height].Header.Height, 0).Proof
	p.Height, p.Header, p.Certificate = 2, message.NewHeader(&b.Header), b.Certificate
	if err := trust.CheckProof(&p); err == nil || !strings.Contains(err.Error(), "nothing that is trusted leads") {
		t.Errorf("got %v", err)
	}
}

// Whichever byte of a receipt's file is another, what it says is the same or it
// is refused.
func TestAnyByteChanged(t *testing.T) {
	made := forge.Lively()
	r := late(t, made)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		changed := slices.Clone(data)
		changed[rapid.IntRange(0, len(data)-1).Draw(rt, "at")] ^= rapid.Byte().Draw(rt, "by")
		out := &light.Receipt{}
		if json.Unmarshal(changed, out) != nil {
			return
		}
		c, err := out.Check()
		if err == nil && (c.Network != made.Genesis.Network() || out.Proof.ID != r.Proof.ID || out.Record.ID() != r.Record.ID() || c.Header.Hash() != r.Proof.Certificate.Block) {
			rt.Fatalf("%s passes as %s in %s of %s", changed, out.Proof.ID, c.Header.Hash(), c.Network)
		}
	})
}
