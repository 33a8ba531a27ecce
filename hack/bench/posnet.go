package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/local/manifest"
	"github.com/posnet/posnet/node/types"
)

// posnet is the system that this repository is.
type posnet struct {
	design  *nodes.Design
	when    string // of the builder rule
	network types.Hash
}

func newPosnet(ctx context.Context, o options, dir string, a *accounts) (*posnet, error) {
	binary, err := filepath.Abs(o.binary)
	if o.binary == "" {
		say("building the node")
		binary, err = nodes.Build(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	m, err := manifest.Load(o.manifest)
	if err != nil {
		return nil, err
	}
	m.Spec.Ledger.Accounts = a.funded()
	d := nodes.NewDesign(m.Name, m.Spec, binary)
	if len(d.Names) != nodeCount {
		return nil, fmt.Errorf("%s has %d validators: the benchmark is of %d", o.manifest, len(d.Names), nodeCount)
	}
	network, err := d.Network()
	return &posnet{d, m.Spec.Builder.When, network}, err
}

func (p *posnet) title() string     { return "posnet" }
func (p *posnet) rule() string      { return p.when }
func (p *posnet) rests() bool       { return true }
func (p *posnet) lacks(string) bool { return false }

func (p *posnet) write(_ context.Context, dir string, _ bool) (nodes.All, error) {
	return p.design.Write(dir)
}

func (p *posnet) wipe(n *nodes.Process) error { return os.RemoveAll(n.Data()) }

const (
	mergeOpening = `{"op":"merge","args":{"pool":[`
	mergeClosing = `]}}`
	statusField  = `{"status":`
	accepted     = statusField + `202,`
	// maxPosnetBatch bounds -batch: a frame of so many is far below what a node reads.
	maxPosnetBatch = 1000
)

func (p *posnet) path() string  { return "/ws" }
func (p *posnet) maxBatch() int { return maxPosnetBatch }

func (p *posnet) transfer(a *accounts, account int, nonce uint64) ([]byte, error) {
	r := &types.Record{
		Type: types.Transfer, Time: types.TimeOf(time.Now()), Amount: 1, Nonce: nonce,
		Sender:   types.KeyedAccount(a.keys[account].Public()),
		Receiver: types.KeyedAccount(a.keys[receiverOf(account)].Public()),
	}
	return r.Sign(p.network, a.keys[account]).MarshalJSON()
}

func (p *posnet) frame(to []byte, t *transfers, first, n int) []byte {
	to = append(to, mergeOpening...)
	for k := first; k < first+n; k++ {
		if k > first {
			to = append(to, ',')
		}
		to = append(to, t.record(k)...)
	}
	return append(to, mergeClosing...)
}

func (p *posnet) refusal(answer []byte) string {
	if bytes.HasPrefix(answer, []byte(accepted)) {
		return ""
	}
	if rest, ok := bytes.CutPrefix(answer, []byte(statusField)); ok {
		status, _, _ := bytes.Cut(rest, []byte(","))
		return string(status)
	}
	return "no answer that is known"
}

func (p *posnet) subscription() string { return `{"op":"subscribe","args":{"topics":["blocks"]}}` }

func (p *posnet) subscribed(answer []byte) bool {
	return bytes.HasPrefix(answer, []byte(statusField+"200,"))
}

func (p *posnet) scan(frame []byte, each func([]byte, uint64) error) (news, error) {
	return scanBlock(frame, each)
}
