package rpc_test

import (
	"strings"
	"testing"

	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// A read of a block to come is answered when the block is there, and meanwhile
// other connections get their answers.
func TestReadWaitsForItsHeight(t *testing.T) {
	f := newFake()
	address := serve(t, f, rpc.Options{HeightTimeout: patience})
	reader, other := connect(t, address), connect(t, address)
	answer := make(chan string, 1)
	go func() { answer <- reader.ask(`{"op":"block","args":{"height":-1,"minHeight":1},"id":7}`) }()
	for range 10 {
		if got := other.ask(`{"op":"status"}`); !strings.Contains(got, `"height":0`) {
			t.Fatal(got)
		}
	}
	select {
	case got := <-answer:
		t.Fatalf("there is no block yet, and the answer is %s", got)
	default:
	}
	mint := func(amount uint64) *types.Record {
		return &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: types.KeyedAccount(f.key.Public()), Amount: amount}
	}
	if err := f.merge([]*types.Record{mint(1), mint(2), mint(3)}); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; !strings.Contains(got, `"status":200`) || !strings.Contains(got, `"index":1`) || !strings.Contains(got, `"id":7`) {
		t.Errorf("once the block is there, the answer is %s", got)
	}
}

// The operations that read the chain take minHeight, and no other does.
func TestWhoTakesMinHeight(t *testing.T) {
	s := connect(t, serve(t, newFake(), rpc.Options{HeightTimeout: 1}))
	hash := strings.Repeat("0", 64)
	for op, args := range map[message.Op]string{
		message.OpBalance: `"account":"` + hash + `",`, message.OpRecord: `"id":"` + hash + `",`, message.OpProof: `"id":"` + hash + `",`,
		message.OpBlock: `"height":1,`, message.OpBlocks: "", message.OpWinners: "",
	} {
		got := s.ask(`{"op":"` + string(op) + `","args":{` + args + `"minHeight":9}}`)
		if !strings.Contains(got, `"status":503`) || !strings.Contains(got, `This node has block 0 and, after 1ns, not yet the block of \"minHeight\" 9`) {
			t.Errorf("%s: %s", op, got)
		}
	}
	for _, op := range []message.Op{message.OpPool, message.OpStatus, message.OpPeers} {
		if got := s.ask(`{"op":"` + string(op) + `","args":{"minHeight":1}}`); !strings.Contains(got, `has no argument \"minHeight\"`) {
			t.Errorf("%s: %s", op, got)
		}
	}
}
