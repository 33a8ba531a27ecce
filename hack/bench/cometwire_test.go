package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// newsOfComet is a frame as CometBFT v1.0.1 sends it, less what nobody looks for.
const newsOfComet = `{"jsonrpc":"2.0","id":1,"result":{"query":"tm.event='NewBlock'","data":{"type":"tendermint/event/NewBlock","value":{` +
	`"block":{"header":{"version":{"block":"11"},"chain_id":"yardstick","height":"17","time":"2026-01-02T03:04:05Z","last_block_id":{"hash":"AA","parts":{"total":1,"hash":"BB"}}},` +
	`"data":{"txs":%s},"evidence":{"evidence":[]},"last_commit":{"height":"16","round":2,"block_id":{"hash":"AA","parts":{"total":1,"hash":"BB"}},"signatures":[]}},` +
	`"block_id":{"hash":"CC","parts":{"total":1,"hash":"DD"}},"result_finalize_block":{"tx_results":[{"code":0,"data":null}]}}},"events":{}}}`

func TestCometTransfersAreSigned(t *testing.T) {
	w := newWorkload(mustAccounts(t), cometWire{})
	if err := w.grow(300); err != nil {
		t.Fatal(err)
	}
	for lane, l := range w.lanes {
		for k := range l.len() {
			b, err := base64.StdEncoding.DecodeString(string(l.record(k)))
			if err != nil || len(b) != cometTransfer || !ed25519.Verify(b[:32], b[:80], b[80:]) {
				t.Fatalf("lane %d, record %d: %x (%v)", lane, k, b, err)
			}
		}
	}
}

func TestCometScan(t *testing.T) {
	w := newWorkload(mustAccounts(t), cometWire{})
	if err := w.grow(300); err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{0, 0}, {3, 1}, {1, 299}}
	var texts []string
	for _, p := range want {
		texts = append(texts, `"`+string(w.lanes[p[0]].record(p[1]))+`"`)
	}
	var got [][2]int
	n, err := cometWire{}.scan(fmt.Appendf(nil, newsOfComet, "["+strings.Join(texts, ",")+"]"), func(sender []byte, nonce uint64) error {
		account, ok := w.accounts.find(sender)
		if !ok {
			return fmt.Errorf("unknown sender %x", sender)
		}
		lane, k := w.accounts.place(account, nonce)
		got = append(got, [2]int{lane, k})
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || n != (news{height: 17, round: 2, hash: "CC"}) {
		t.Errorf("records %v, news %+v, error %v", got, n, err)
	}
	for _, none := range []string{"[]", "null"} {
		n, err := cometWire{}.scan(fmt.Appendf(nil, newsOfComet, none), func([]byte, uint64) error { return fmt.Errorf("there is none") })
		if err != nil || n.height != 17 {
			t.Errorf("transfers %s: news %+v, error %v", none, n, err)
		}
	}
	for _, bad := range []string{`["x"]`, `["`, `["` + strings.Repeat("A", 400) + `"]`} {
		if _, err := (cometWire{}).scan(fmt.Appendf(nil, newsOfComet, bad), func([]byte, uint64) error { return nil }); err == nil {
			t.Errorf("transfers %s pass", bad)
		}
	}
}

func TestHowRefusalsAreTold(t *testing.T) {
	for answer, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"result":{"code":0,"data":"","log":"","codespace":"","hash":"AA"}}`:                                                  "",
		`{"jsonrpc":"2.0","id":1,"result":{"code":1,"data":"","log":"no","codespace":"","hash":"AA"}}`:                                                "code 1",
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"mempool is full: number of txs 5000 (max: 5000), total"}}`: `"mempool is full"`,
		`nonsense`: "no answer that is known",
	} {
		if got := (cometWire{}).refusal([]byte(answer)); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
	for answer, want := range map[string]string{
		`{"status":202,"error":"Accepted"}`:                  "",
		`{"status":429,"error":"too fast","response":null}`:  "429",
		`{"status":503,"error":"not ready","response":null}`: "503",
		`{"topic":"blocks"}`:                                 "no answer that is known",
	} {
		if got := (&posnet{}).refusal([]byte(answer)); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}
