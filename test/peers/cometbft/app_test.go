package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/config"
)

type payer struct {
	private ed25519.PrivateKey
	key     key
}

func newPayer(t *testing.T) payer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return payer{private, key(public)}
}

func (p payer) pays(to key, amount, number uint64) []byte {
	b := append(append([]byte{}, p.key[:]...), to[:]...)
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, amount), number)
	return append(b, ed25519.Sign(p.private, b)...)
}

func open(t *testing.T, dir string) *app {
	t.Helper()
	a, err := openApp(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *app) accountOf(t *testing.T, k key) account {
	t.Helper()
	q, err := a.Query(context.Background(), &abci.QueryRequest{Path: "account", Data: k[:]})
	if err != nil || q.Code != codeOK {
		t.Fatalf("%+v %v", q, err)
	}
	return decodeAccount(q.Value)
}

// TestLedgerOutlivesItsProcess books a block, and finds all of it again.
func TestLedgerOutlivesItsProcess(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	alice, bob := newPayer(t), newPayer(t)
	a := open(t, dir)
	if _, err := a.InitChain(ctx, &abci.InitChainRequest{AppStateBytes: []byte(`{"balance":100}`)}); err != nil {
		t.Fatal(err)
	}
	forged := alice.pays(bob.key, 5, 9)
	forged[amountAt+7]++
	txs := [][]byte{alice.pays(bob.key, 30, 0), bob.pays(alice.key, 130, 0), bob.pays(alice.key, 1, 1), forged}
	done, err := a.FinalizeBlock(ctx, &abci.FinalizeBlockRequest{Height: 1, Txs: txs})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint32{codeOK, codeOK, codeUnpaid, codeBad} {
		if got := done.TxResults[i].Code; got != want {
			t.Errorf("transfer %d: code %d, want %d", i, got, want)
		}
	}
	if _, err := a.Commit(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir)
	defer a.close()
	info, err := a.Info(ctx, nil)
	if err != nil || info.LastBlockHeight != 1 || info.Data != "2" || !bytes.Equal(info.LastBlockAppHash, done.AppHash) {
		t.Errorf("info %+v, error %v", info, err)
	}
	if got := a.accountOf(t, alice.key); got != (account{200, 1}) {
		t.Errorf("alice %+v", got)
	}
	if got := a.accountOf(t, bob.key); got != (account{0, 1}) {
		t.Errorf("bob %+v", got)
	}
	if got := a.accountOf(t, newPayer(t).key); got != (account{100, 0}) {
		t.Errorf("somebody else %+v", got)
	}
}

func TestOnlySignedTransfersWait(t *testing.T) {
	ctx := context.Background()
	alice, bob := newPayer(t), newPayer(t)
	a := open(t, t.TempDir())
	defer a.close()
	good := alice.pays(bob.key, 1, 0)
	for name, c := range map[string]struct {
		tx   []byte
		code uint32
	}{
		"signed":    {good, codeOK},
		"cut short": {good[:transferSize-1], codeBad},
		"nothing":   {nil, codeBad},
		"forged":    {append(bytes.Clone(good[:transferSize-1]), good[transferSize-1]^1), codeBad},
	} {
		r, err := a.CheckTx(ctx, &abci.CheckTxRequest{Tx: c.tx})
		if err != nil || r.Code != c.code {
			t.Errorf("%s: %+v, error %v", name, r, err)
		}
		p, err := a.ProcessProposal(ctx, &abci.ProcessProposalRequest{Txs: [][]byte{c.tx}})
		if ok := p.Status == abci.PROCESS_PROPOSAL_STATUS_ACCEPT; err != nil || ok != (c.code == codeOK) {
			t.Errorf("%s in a block: %+v, error %v", name, p, err)
		}
	}
}

func TestInitMakesNodesThatCanBeSet(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	if err := initNetwork(&out, dir, 3, 7); err != nil {
		t.Fatal(err)
	}
	var all []identity
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) != 3 || all[0] == all[1] || all[0].ID == "" || all[0].Address == "" {
		t.Fatalf("identities %s, error %v", out.Bytes(), err)
	}
	for _, mode := range modes {
		c, err := settings{home: dir + "/0", mode: mode, p2p: "127.0.0.1:1", rpc: "127.0.0.1:2"}.config()
		if err != nil {
			t.Fatal(err)
		}
		was := config.DefaultConfig()
		if fast := c.Consensus.TimeoutCommit < was.Consensus.TimeoutCommit; fast != (mode != shipped) {
			t.Errorf("%s waits %v after a commit", mode, c.Consensus.TimeoutCommit)
		}
		if hurried := c.Consensus.TimeoutPropose < was.Consensus.TimeoutPropose; hurried != (mode == prompt) {
			t.Errorf("%s waits %v for a proposal", mode, c.Consensus.TimeoutPropose)
		}
	}
	for _, bad := range []settings{{}, {home: "x", mode: "fast", p2p: "a", rpc: "b"}, {home: "x", mode: tuned, rpc: "b"}} {
		if _, err := bad.config(); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
