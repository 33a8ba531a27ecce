package rpc

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// TestNewsOfBlock: the news of a block is what encoding/json makes of it, whatever
// its records and names are.
func TestNewsOfBlock(t *testing.T) {
	key := types.NewPrivateKey([32]byte{7})
	network := types.Hash{1}
	drawRecord := rapid.Custom(func(t *rapid.T) *types.Record {
		r := &types.Record{
			Type: rapid.SampledFrom([]types.RecordType{types.Transfer, types.StakeChange, types.Leave}).Draw(t, "type"), Time: 5,
			Nonce: rapid.Uint64().Draw(t, "nonce"), Session: key.Public(), Validator: key.Public(), Name: rapid.StringMatching(`[a-z0-9-]{1,63}`).Draw(t, "label"),
			Sender: types.KeyedAccount(key.Public()), Receiver: types.Genesis, Amount: rapid.Uint64().Draw(t, "amount"),
		}
		return r.Sign(network, key)
	})
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(drawRecord, 0, 4).Draw(t, "records")
		b := &types.Block{Header: types.Header{Height: rapid.Uint64().Draw(t, "height"), Proposer: key.Public()}, Records: records}
		name := rapid.OneOf(rapid.String(), rapid.Just(`"items":[]`)).Draw(t, "name")
		shown := message.NewBlock(b, nil, name, message.BlockOptions{IDs: rapid.Bool().Draw(t, "ids")})
		want, err := news(message.Event{Topic: message.TopicBlocks, Block: &shown})
		if err != nil {
			t.Fatal(err)
		}
		got, err := newsOfBlock(shown)
		if err != nil || string(got) != string(want) {
			t.Fatalf("the news is %s, %v, want %s", got, err, want)
		}
	})
}

// BenchmarkNewsOfBlock is the news of a block of 500 signed transfers.
func BenchmarkNewsOfBlock(b *testing.B) {
	key := types.NewPrivateKey([32]byte{7})
	block := &types.Block{}
	for i := range 500 {
		r := &types.Record{Type: types.Transfer, Time: 5, Nonce: uint64(i), Sender: types.KeyedAccount(key.Public()), Receiver: types.Genesis, Amount: 3}
		block.Records = append(block.Records, r.Sign(types.Hash{1}, key))
	}
	shown := message.NewBlock(block, nil, "alice", message.BlockOptions{})
	for name, make := range map[string]func() ([]byte, error){
		"whole":   func() ([]byte, error) { return newsOfBlock(shown) },
		"by json": func() ([]byte, error) { return news(message.Event{Topic: message.TopicBlocks, Block: &shown}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := make(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
