package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

const (
	// bytesWanted is about how large an answer should be: some thousand records,
	// or as many blocks as one may hold.
	bytesWanted = 2 << 20
	// firstBlocks is how many blocks are asked for before it is known how large they are.
	firstBlocks = 16
	// busyPause is how long a node that has no time is left alone, and
	// busyPatience how long that may go on.
	busyPause, busyPatience = 200 * time.Millisecond, 30 * time.Second
)

// Node is a running node, asked over its client API. The chain is read up to
// the block that was its newest when it was opened.
type Node struct {
	url    string
	client *client.Client
	status message.Status
	first  *answer // to Start's question for blocks: the node may let go of them meanwhile
}

// OpenNode connects to a node. url is "ws://HOST:PORT/ws" or "HOST:PORT".
func OpenNode(ctx context.Context, url string) (*Node, error) {
	c, err := client.Dial(ctx, url, client.Options{})
	if err != nil {
		return nil, err
	}
	n := &Node{url: url, client: c}
	if n.status, err = c.Status(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return n, nil
}

// Label implements Source.
func (n *Node) Label() string { return n.url }

// Network implements Source.
func (n *Node) Network() types.Hash { return n.status.NetworkID }

// Head implements Source.
func (n *Node) Head() uint64 { return n.status.Height }

// Oldest implements Source. Nodes that do not tell have all blocks.
func (n *Node) Oldest() uint64 { return max(1, n.status.Oldest) }

// Close implements Source.
func (n *Node) Close() error {
	n.client.Close()
	return nil
}

// Genesis implements Source.
func (n *Node) Genesis(ctx context.Context) (*genesis.Genesis, string, error) {
	answer, err := n.client.Genesis(ctx)
	if err != nil {
		return nil, "", err
	}
	g, err := genesis.Parse(answer.Genesis)
	return g, "the node", err
}

// Compare implements Source. A node tells few things of its state at a height
// that is over; that its totals were those of the blocks is one.
func (n *Node) Compare(state *ledger.State) error {
	if minted := n.status.Totals.Minted; n.status.Height == state.Height() && minted != state.Minted() {
		return &validity.Fault{Height: state.Height(), Where: "status.totals.minted", What: "the blocks lead to another sum of all mints", Expected: fmt.Sprint(state.Minted()), Found: fmt.Sprint(minted)}
	}
	return nil
}

// Beside implements Source. What a block shows beside its header is looked at as it is
// read, and the rest is for who asks for it.
func (n *Node) Beside(Block, *validity.Next) error { return nil }

// Read implements Source.
func (n *Node) Read(ctx context.Context, yield func(Piece) bool) error {
	at, first := n.Oldest()-1, n.first
	for limit := firstBlocks; at < n.Head(); first = nil {
		a, err := first, error(nil)
		if a == nil {
			a, err = n.ask(ctx, at, min(limit, int(n.Head()-at)))
		}
		if err != nil {
			return err
		}
		if len(a.Blocks) == 0 {
			return &validity.Fault{Height: at + 1, Where: "block", What: fmt.Sprintf("the node does not give it: its newest should be %d", n.Head())}
		}
		from, bytes := at+1, 0
		for _, b := range a.Blocks {
			bytes += len(b)
		}
		if !yield(func() ([]Block, error) { return a.decode(from) }) {
			return ctx.Err()
		}
		at += uint64(len(a.Blocks))
		limit = max(1, min(message.MaxBlocks, bytesWanted*len(a.Blocks)/bytes))
	}
	return nil
}

// answer is blocks as the node sent them.
type answer struct {
	Blocks []json.RawMessage `json:"blocks"`
}

// decode reads blocks, the first of which should have height from.
func (a *answer) decode(from uint64) ([]Block, error) {
	out := make([]Block, 0, len(a.Blocks))
	for i, text := range a.Blocks {
		b, err := decodeShown(from+uint64(i), text)
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
	return out, nil
}

// decodeShown reads a block as the API shows it. What it shows beside header,
// records and certificate must be what follows from these.
func decodeShown(height uint64, text []byte) (Block, error) {
	bad := func(where, what string) (Block, error) {
		return Block{}, &validity.Fault{Height: height, Where: where, What: what}
	}
	var shown message.Block
	if err := json.Unmarshal(text, &shown); err != nil {
		return bad("block", err.Error())
	}
	if shown.Header == nil || shown.Certificate == nil {
		return bad("block", "it comes without header or certificate")
	}
	header, err := shown.Header.Types()
	if err != nil {
		return bad("header.proof", err.Error())
	}
	out := Block{Block: &types.Block{Header: *header}, Certificate: shown.Certificate}
	for i, item := range shown.Items {
		if item.Record == nil || item.Raw() == nil {
			return bad(fmt.Sprintf("items[%d]", i), "the record has no time")
		}
		out.Block.Records = append(out.Block.Records, item.Record)
	}
	if header.Height != height {
		return out, nil // said by who follows the chain
	}
	if where, expected, found := differs(&shown, message.NewBlock(out.Block, shown.Certificate, shown.Name, message.BlockOptions{})); where != "" {
		return Block{}, &validity.Fault{Height: height, Where: where, What: "it is shown otherwise than header and records say", Expected: expected, Found: found}
	}
	return out, nil
}

// differs returns the first field that is shown otherwise than it should be.
func differs(shown *message.Block, want message.Block) (where, expected, found string) {
	for _, f := range []struct {
		where       string
		want, shown any
	}{
		{"index", want.Index, shown.Index},
		{"timestamp", want.Timestamp, shown.Timestamp},
		{"prevHash", want.PrevHash, shown.PrevHash},
		{"hash", want.Hash, shown.Hash},
		{"validator", want.Validator, shown.Validator},
		{"round", want.Round, shown.Round},
		{"bpm", want.BPM, shown.BPM},
		{"guest", want.Guest, shown.Guest},
		{"proposer", want.Proposer, shown.Proposer},
	} {
		if f.want != f.shown {
			return f.where, fmt.Sprint(f.want), fmt.Sprint(f.shown)
		}
	}
	for i := range shown.Items {
		if p, q := want.Items[i].Prev, shown.Items[i].Prev; p != q {
			return fmt.Sprintf("items[%d].prev_hash", i), p.String(), q.String()
		}
	}
	return "", "", ""
}

// ask asks for blocks above a height.
func (n *Node) ask(ctx context.Context, at uint64, limit int) (*answer, error) {
	args := client.BlocksArgs{Start: int64(at), Limit: limit, BlockArgs: client.BlockArgs{Certified: true}}
	var a answer
	return &a, patiently(ctx, func() error { return n.client.Do(ctx, message.OpBlocks, args, &a) })
}

// patiently asks again where the node has no time.
func patiently(ctx context.Context, ask func() error) error {
	for began := time.Now(); ; {
		err := ask()
		if busy := refusedWith(err, message.StatusTooFast) || refusedWith(err, message.StatusNotReady); !busy || time.Since(began) > busyPatience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busyPause):
		}
	}
}

// refusedWith reports whether an error is a node's answer with a status.
func refusedWith(err error, status int) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Status == status
}
