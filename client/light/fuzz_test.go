package light_test

import (
	"encoding/json"
	"testing"

	"github.com/posnet/posnet/client/light"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzReceipt checks arbitrary receipts: one of this network that passes proves a
// record that is in its chain.
func FuzzReceipt(f *testing.F) {
	made := forge.Lively()
	committed := map[string]bool{}
	for _, b := range made.Blocks {
		for _, r := range b.Records {
			committed[r.ID().String()+b.Header.Hash().String()] = true
		}
	}
	late, early := late(f, made), made.Receipt(1, 0)
	for _, r := range []*light.Receipt{late, early} {
		data, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"genesis":{},"handovers":null,"proof":{},"record":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r light.Receipt
		var err error
		fuzzed.Memory(t, len(data), func() { r = light.Receipt{}; err = json.Unmarshal(data, &r) })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		var c *light.Checked
		fuzzed.Memory(t, len(data), func() { c, err = r.Check() })
		fuzzed.Sentence(t, err)
		if err == nil && c.Network == made.Genesis.Network() && !committed[r.Record.ID().String()+c.Header.Hash().String()] {
			t.Errorf("%s passes: record %s in block %s", data, r.Record.ID(), c.Header.Hash())
		}
	})
}
