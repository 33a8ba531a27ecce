package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
)

// posnet is the system that this repository is.
type posnet struct {
	design  *design
	network types.Hash
}

func newPosnet(ctx context.Context, o options, dir string, a *accounts) (*posnet, error) {
	binary, err := filepath.Abs(o.binary)
	if o.binary == "" {
		say("building the node")
		binary, err = buildNode(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	d, err := newDesign(o.manifest, binary, a)
	if err != nil {
		return nil, err
	}
	network, err := d.network()
	return &posnet{d, network}, err
}

func (p *posnet) title() string     { return "posnet" }
func (p *posnet) rule() string      { return p.design.spec.Builder.When }
func (p *posnet) rests() bool       { return true }
func (p *posnet) lacks(string) bool { return false }

func (p *posnet) write(_ context.Context, dir string, _ bool) (nodes, error) {
	all, err := p.design.write(dir)
	for _, n := range all {
		n.dial = func(ctx context.Context) (asker, error) {
			c, err := client.Dial(ctx, n.api, client.Options{})
			return &posnetAsker{p, c}, err
		}
	}
	return all, err
}

func (p *posnet) wipe(n *process) error { return os.RemoveAll(filepath.Join(n.dir, dataDir)) }

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

// posnetAsker asks over the client API.
type posnetAsker struct {
	system *posnet
	client *client.Client
}

func (a *posnetAsker) close() { a.client.Close() }

func (a *posnetAsker) linked(ctx context.Context, peers int) error {
	s, err := a.client.Status(ctx)
	if err != nil {
		return err
	}
	if !s.Ready || !s.Voting || s.Peers != peers {
		return fmt.Errorf("it has %d peers; ready %v %s", s.Peers, s.Ready, s.NotReady)
	}
	return nil
}

func (a *posnetAsker) height(ctx context.Context) (uint64, error) {
	s, err := a.client.Status(ctx)
	return s.Height, err
}

func (a *posnetAsker) records(ctx context.Context) (uint64, error) {
	s, err := a.client.Status(ctx)
	return s.Totals.Records, err
}

func (a *posnetAsker) hash(ctx context.Context, height uint64) (string, error) {
	b, err := a.client.Block(ctx, int64(height), client.BlockArgs{})
	return b.Hash.String(), err
}

func (a *posnetAsker) account(ctx context.Context, key types.PublicKey) (balance, paid uint64, err error) {
	b, err := a.client.Balance(ctx, types.KeyedAccount(key))
	return b.Balance, b.Nonce, err
}

func (a *posnetAsker) voted(ctx context.Context, height uint64, node int) (bool, error) {
	b, err := a.client.Block(ctx, int64(height), client.BlockArgs{Certified: true})
	if err != nil {
		return false, err
	}
	key := a.system.design.keys[a.system.design.names[node]].Sign.Public()
	return slices.ContainsFunc(b.Certificate.Signatures, func(s types.CertificateSignature) bool { return s.Validator == key }), nil
}
