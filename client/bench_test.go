package client_test

import (
	"sync"
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
)

// BenchmarkMerge is the whole way of a signed transfer, one to a frame, from a
// client's frame to the node's door and the answer back; what the node does
// with it is left out. Both ends run in this process.
func BenchmarkMerge(b *testing.B) {
	c, ctx := dial(b, newFake(), client.Options{})
	key := types.NewPrivateKey([32]byte{1})
	frame, err := client.EncodeMerge(client.NewAccount(key, network, 0).Transfer(types.KeyedAccount(key.Public()), 1))
	if err != nil {
		b.Fatal(err)
	}
	var answered sync.WaitGroup
	b.ReportAllocs()
	for b.Loop() {
		answered.Add(1)
		err := c.SendMerge(ctx, frame, func(err error) {
			if err != nil {
				b.Error(err)
			}
			answered.Done()
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	answered.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
