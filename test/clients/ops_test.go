// Package clients_test runs the two programs that people used before there was
// posnet, unchanged, against running networks: a websocket client that knows
// only JSON operations, and nc.
package clients_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
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
// when a block is built of the pool. Who builds it says so in its log, and to
// whoever asks for the record; so does every other node, by its own next block
// at the latest.
func TestUnpayableTransferIsDropped(t *testing.T) {
	d := sample(t, "classroom")
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	n := inprocess.Start(t, d, 0)
	s := wire.Dial(t, n.Nodes[0].Addresses().API)
	const poor = "11111111-1111-4111-8111-111111111111"
	s.Expect(strings.Replace(mint, types.Genesis.String(), poor, 1), accepted)
	found := regexp.MustCompile(`"id":"([0-9a-f]{64})"\}\]`).FindStringSubmatch(s.Ask(`{"op":"pool","args":{"ids":true}}`))
	if found == nil {
		t.Fatal("the transfer is not in the pool")
	}
	id := found[1]
	s.Expect(mint, accepted)
	s.Expect(mint, accepted)

	var blocks struct{ Response message.Blocks }
	await.True(t, "a block", func() error {
		err := json.Unmarshal([]byte(s.Ask(askBlocks)), &blocks)
		if err == nil && len(blocks.Response.Blocks) == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	block := blocks.Response.Blocks[0]
	if len(block.Items) != 2 || !block.Items[0].Record.IsMint() || !block.Items[1].Record.IsMint() {
		t.Errorf("the block is %+v, and should hold the two that are good", block)
	}
	builder := slices.IndexFunc(n.Nodes, func(v *inprocess.Node) bool { return v.Name == block.Name })
	checkDropped(t, n.Nodes[builder], id)
	for _, v := range n.Nodes {
		own := wire.Dial(t, v.Addresses().API)
		await.True(t, v.Name+" drops the transfer too", func() error {
			if answer := own.Ask(askRecord(id)); !strings.Contains(answer, `"state":"dropped"`) {
				own.Expect(mint, accepted) // one more reason for a block
				return errors.New(answer)
			}
			return nil
		})
		checkDropped(t, v, id)
	}
}

func askRecord(id string) string { return fmt.Sprintf(`{"op":"record","args":{"id":"%s"}}`, id) }

// checkDropped checks that a node tells, by its API and once in its log, why it
// dropped the transfer.
func checkDropped(t *testing.T, v *inprocess.Node, id string) {
	t.Helper()
	const reason = "amount is 10000: the sender has 0"
	want := fmt.Sprintf(`{"status":200,"error":"OK","response":{"id":"%s","state":"dropped","index":0,"reason":"%s","head":`, id, reason)
	if answer := wire.Dial(t, v.Addresses().API).Ask(askRecord(id)); !strings.HasPrefix(answer, want) {
		t.Errorf("%s says %s, and should say %s…", v.Name, answer, want)
	}
	lines := v.Log.Find("a record is dropped")
	if len(lines) != 1 || lines[0]["id"] != id || lines[0]["reason"] != reason || lines[0]["level"] != "WARN" {
		t.Errorf("the log of %s says %v", v.Name, lines)
	}
}
