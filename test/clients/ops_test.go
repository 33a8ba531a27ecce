// Package clients_test runs the two programs that people used before there was
// posnet, unchanged, against running networks: a websocket client that knows
// only JSON operations, and nc.
package clients_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/inprocess"
	"github.com/posnet/posnet/test/wire"
)

// What the client says and hears, byte for byte.
const (
	askPool     = `{"op":"pool"}`
	emptyPool   = `{"status":200,"error":"OK","response":{"pool":[]}}`
	askBlocks   = `{"op":"blocks"}`
	noBlocks    = `{"status":200,"error":"OK","response":{"blocks":[],"next":0}}`
	mint        = `{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":10000}]}}`
	accepted    = `{"status":202,"error":"Accepted"}`
	mintedShown = `{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":10000,"t":%s,"prev_hash":%s}`
)

// t is seconds with a fraction, in the form that every JSON reader takes.
const seconds = `[0-9]{10}(\.[0-9]{1,9})?`

// shownPool is the pool's answer with so many mints in it.
func shownPool(n int) *regexp.Regexp {
	mints := make([]string, n)
	for i := range mints {
		mints[i] = fmt.Sprintf(regexp.QuoteMeta(mintedShown), "", "null")
		mints[i] = strings.Replace(mints[i], `"t":`, `"t":`+seconds, 1)
	}
	return regexp.MustCompile(`^\{"status":200,"error":"OK","response":\{"pool":\[` + strings.Join(mints, ",") + `\]\}\}$`)
}

func TestClientOfJSONOperations(t *testing.T) {
	n := inprocess.Start(t, sample(t, "classroom"), 0)
	s := wire.Dial(t, n.Nodes[0].Addresses().API)
	s.Expect(askPool, emptyPool)
	s.Expect(askBlocks, noBlocks)
	for i := 1; i <= 2; i++ {
		s.Expect(mint, accepted)
		if got := s.Ask(askPool); !shownPool(i).MatchString(got) {
			t.Fatalf("after merge %d the pool is %s", i, got)
		}
	}
	s.Expect(askBlocks, noBlocks) // two are not three
	s.Expect(mint, accepted)
	await.True(t, "the pool is empty", func() error { return same(s.Ask(askPool), emptyPool) })

	blocks := s.Ask(askBlocks)
	checkFirstBlock(t, blocks)
	s.Expect(`{"op":"blocks","args":{"start":1}}`, `{"status":200,"error":"OK","response":{"blocks":[],"next":1}}`)
	s.Expect(`{"op":"merge"}`, `{"status":500,"error":"Operation \"merge\" requires the following \"args\": \"pool\"","response":null}`)

	for _, v := range n.Nodes[1:] {
		other := wire.Dial(t, v.Addresses().API)
		await.True(t, v.Name+" has the same chain", func() error { return same(other.Ask(askBlocks), blocks) })
		other.Expect(askPool, emptyPool)
	}
}

// checkFirstBlock checks the answer that shows one block with three mints, each
// of which names the one before it.
func checkFirstBlock(t *testing.T, answer string) {
	t.Helper()
	const hash = `"[0-9a-f]{64}"`
	names := regexp.MustCompile(`^\{"status":200,"error":"OK","response":\{"blocks":\[\{"index":1,"timestamp":"[^"]+","prevHash":` + hash +
		`,"hash":` + hash + `,"validator":` + hash + `,"round":[0-9]+,"bpm":0,"items":\[(.*)\],"name":"class-[0-3]","proposer":` + hash + `\}\],"next":1\}\}$`)
	found := names.FindStringSubmatch(answer)
	if found == nil {
		t.Fatalf("the chain is %s", answer)
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte("["+found[1]+"]"), &items); err != nil || len(items) != 3 {
		t.Fatalf("the block has %d items (%v): %s", len(items), err, answer)
	}
	before := "null"
	for i, text := range items {
		var item message.Item
		if err := item.UnmarshalJSON(text); err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
		if want := fmt.Sprintf(mintedShown, item.Record.Time, before); string(text) != want {
			t.Errorf("item %d is %s, want %s", i, text, want)
		}
		before = `"` + item.Record.ID().String() + `"`
	}
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("got %.1000s, want %.1000s", got, want)
	}
	return nil
}

// A transfer that its sender cannot pay waits like any other, and is dropped
// when a block is built of the pool. The node says so in its log, and to whoever
// asks for the record.
func TestUnpayableTransferIsDropped(t *testing.T) {
	n := inprocess.Start(t, sample(t, "classroom"), 0)
	s := wire.Dial(t, n.Nodes[0].Addresses().API)
	const poor = "11111111-1111-4111-8111-111111111111"
	s.Expect(strings.Replace(mint, types.Genesis.String(), poor, 1), accepted)
	var pool struct {
		Response struct {
			Pool []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(s.Ask(`{"op":"pool","args":{"ids":true}}`)), &pool); err != nil || len(pool.Response.Pool) != 1 {
		t.Fatalf("the pool is %+v (%v)", pool, err)
	}
	id := pool.Response.Pool[0].ID
	s.Expect(mint, accepted)
	s.Expect(mint, accepted)

	var blocks struct{ Response message.Blocks }
	await.True(t, "a block of the two that are good", func() error {
		if err := json.Unmarshal([]byte(s.Ask(askBlocks)), &blocks); err != nil {
			return err
		}
		if len(blocks.Response.Blocks) != 1 || len(blocks.Response.Blocks[0].Items) != 2 {
			return fmt.Errorf("the chain is %+v", blocks.Response.Blocks)
		}
		return nil
	})
	await.True(t, "the pool is empty", func() error { return same(s.Ask(askPool), emptyPool) })
	const reason = "amount is 10000: the sender has 0"
	want := fmt.Sprintf(`{"status":200,"error":"OK","response":{"id":"%s","state":"dropped","index":0,"reason":"%s"}}`, id, reason)
	s.Expect(fmt.Sprintf(`{"op":"record","args":{"id":"%s"}}`, id), want)
	lines := n.Nodes[0].Log.Find("a record is dropped")
	if len(lines) != 1 || lines[0]["id"] != id || lines[0]["reason"] != reason || lines[0]["level"] != "WARN" {
		t.Errorf("the log says %v", lines)
	}
}
