package nodes

import (
	"context"
	"fmt"
	"slices"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/types"
)

// Asker is a connection to ask a node questions.
type Asker interface {
	// Linked says what keeps the node from agreeing with its peers, nil if nothing.
	Linked(ctx context.Context, peers int) error
	Height(ctx context.Context) (uint64, error)
	// Records is how many are in all of the node's blocks.
	Records(ctx context.Context) (uint64, error)
	Hash(ctx context.Context, height uint64) (string, error)
	// Account is what a key has, and how many transfers it has paid.
	Account(ctx context.Context, key types.PublicKey) (balance, paid uint64, err error)
	// Voted reports whether a block's certificate has the vote of a node, by number.
	Voted(ctx context.Context, height uint64, node int) (bool, error)
	Close()
}

// dial connects to a node over the client API.
func (d *Design) dial(ctx context.Context, p *Process) (Asker, error) {
	c, err := client.Dial(ctx, p.API, client.Options{})
	if err != nil {
		return nil, err
	}
	return &asker{d, c}, nil
}

// asker asks over the client API.
type asker struct {
	design *Design
	client *client.Client
}

func (a *asker) Close() { a.client.Close() }

func (a *asker) Linked(ctx context.Context, peers int) error {
	s, err := a.client.Status(ctx)
	if err != nil {
		return err
	}
	if !s.Ready || !s.Voting || s.Peers != peers {
		return fmt.Errorf("it has %d peers; ready %v %s", s.Peers, s.Ready, s.NotReady)
	}
	return nil
}

func (a *asker) Height(ctx context.Context) (uint64, error) {
	s, err := a.client.Status(ctx)
	return s.Height, err
}

func (a *asker) Records(ctx context.Context) (uint64, error) {
	s, err := a.client.Status(ctx)
	return s.Totals.Records, err
}

func (a *asker) Hash(ctx context.Context, height uint64) (string, error) {
	b, err := a.client.Block(ctx, int64(height), client.BlockArgs{})
	return b.Hash.String(), err
}

func (a *asker) Account(ctx context.Context, key types.PublicKey) (balance, paid uint64, err error) {
	b, err := a.client.Balance(ctx, types.KeyedAccount(key))
	return b.Balance, b.Nonce, err
}

func (a *asker) Voted(ctx context.Context, height uint64, node int) (bool, error) {
	b, err := a.client.Block(ctx, int64(height), client.BlockArgs{Certified: true})
	if err != nil {
		return false, err
	}
	key := a.design.Keys[a.design.Names[node]].Sign.Public()
	return slices.ContainsFunc(b.Certificate.Signatures, func(s types.CertificateSignature) bool { return s.Validator == key }), nil
}
