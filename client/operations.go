package client

import (
	"context"
	"errors"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// PoolArgs are the arguments of Pool.
type PoolArgs struct {
	Limit int  `json:"limit,omitempty"` // 1 to message.MaxPool; 0 stands for message.DefaultPool
	IDs   bool `json:"ids,omitempty"`   // each record's id
}

// Pool returns the oldest records that wait for a block.
func (c *Client) Pool(ctx context.Context, a PoolArgs) (out message.Pool, err error) {
	return out, c.Do(ctx, message.OpPool, a, &out)
}

// BlockArgs say what blocks show beyond the usual.
type BlockArgs struct {
	IDs       bool `json:"ids,omitempty"`       // each record's id
	Certified bool `json:"certified,omitempty"` // header and certificate
}

// BlocksArgs are the arguments of Blocks.
type BlocksArgs struct {
	Start int64 `json:"start"`           // 0 is the first after genesis; negative counts from the end
	Limit int   `json:"limit,omitempty"` // 1 to message.MaxBlocks; 0 stands for message.DefaultBlocks
	BlockArgs
}

// Blocks returns blocks in order. Next of the answer is the Start that goes on.
func (c *Client) Blocks(ctx context.Context, a BlocksArgs) (out message.Blocks, err error) {
	err = c.Do(ctx, message.OpBlocks, struct {
		BlocksArgs
		horizonArgs
	}{a, c.horizonArgs()}, &out)
	if len(out.Blocks) > 0 {
		c.saw(out.Next)
	}
	return out, err
}

// Block returns one block; a negative height counts from the end.
func (c *Client) Block(ctx context.Context, height int64, a BlockArgs) (out message.Block, err error) {
	err = c.Do(ctx, message.OpBlock, struct {
		Height int64 `json:"height"`
		BlockArgs
		horizonArgs
	}{height, a, c.horizonArgs()}, &out)
	c.saw(out.Index)
	return out, err
}

// Peers returns the other validators and whether the node is linked with them.
func (c *Client) Peers(ctx context.Context) ([]message.Peer, error) {
	var out message.Peers
	err := c.Do(ctx, message.OpPeers, nil, &out)
	return out.Peers, err
}

// Status returns how the node and its chain are.
func (c *Client) Status(ctx context.Context) (out message.Status, err error) {
	return out, c.Do(ctx, message.OpStatus, nil, &out)
}

type heightArgs struct {
	Height uint64 `json:"height,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// Validators returns the validators of a height; 0 stands for the one under way.
func (c *Client) Validators(ctx context.Context, height uint64) (out message.Validators, err error) {
	return out, c.Do(ctx, message.OpValidators, heightArgs{Height: height}, &out)
}

// Balance returns an account's balance and next nonce.
func (c *Client) Balance(ctx context.Context, account types.Account) (out message.Balance, err error) {
	err = c.Do(ctx, message.OpBalance, struct {
		Account types.Account `json:"account"`
		horizonArgs
	}{account, c.horizonArgs()}, &out)
	c.saw(out.Head)
	return out, err
}

type idArgs struct {
	ID types.Hash `json:"id"`
	horizonArgs
}

// Record returns what became of a record.
func (c *Client) Record(ctx context.Context, id types.Hash) (out message.Record, err error) {
	err = c.Do(ctx, message.OpRecord, idArgs{id, c.horizonArgs()}, &out)
	c.saw(out.Head)
	return out, err
}

// Proof returns the proof that a record is in a block; see message.Proof.Verify,
// and package light for whom to trust.
func (c *Client) Proof(ctx context.Context, id types.Hash) (out message.Proof, err error) {
	err = c.Do(ctx, message.OpProof, idArgs{id, c.horizonArgs()}, &out)
	c.saw(out.Height)
	return out, err
}

// Genesis returns what the network began with. Its hash must be its id: see
// package light.
func (c *Client) Genesis(ctx context.Context) (out message.Genesis, err error) {
	return out, c.Do(ctx, message.OpGenesis, nil, &out)
}

// Handovers returns the heights, from one on, whose validators handed over to
// others, the oldest first; limit 0 stands for message.DefaultHandovers.
func (c *Client) Handovers(ctx context.Context, from uint64, limit int) ([]message.Handover, error) {
	var out message.Handovers
	err := c.Do(ctx, message.OpHandovers, fromArgs{from, limit}, &out)
	return out.Handovers, err
}

type fromArgs struct {
	From  uint64 `json:"from,omitempty"` // 0 stands for 1
	Limit int    `json:"limit,omitempty"`
}

// Winners returns the newest winners, newest first; limit 0 stands for
// message.DefaultWinners.
func (c *Client) Winners(ctx context.Context, limit int) ([]message.Winner, error) {
	return c.WinnersUpTo(ctx, 0, limit)
}

// WinnersUpTo returns the winners up to a height, newest first; 0 stands for the
// newest, and for message.DefaultWinners. To ask several nodes for the same
// height is the cheapest way to hold their chains beside each other: each winner
// bears its block's hash. The error is a 404 where the node is not that far.
func (c *Client) WinnersUpTo(ctx context.Context, height uint64, limit int) ([]message.Winner, error) {
	var out message.Winners
	err := c.Do(ctx, message.OpWinners, struct {
		heightArgs
		horizonArgs
	}{heightArgs{height, limit}, c.horizonArgs()}, &out)
	if len(out.Winners) > 0 {
		c.saw(out.Winners[0].Height)
	}
	return out.Winners, err
}

// Draw returns the lottery of a height with at most limit places of its order;
// 0 stands for the height under way, and for message.DefaultOrder.
func (c *Client) Draw(ctx context.Context, height uint64, limit int) (out message.Draw, err error) {
	return out, c.Do(ctx, message.OpDraw, heightArgs{height, limit}, &out)
}

// Fairness returns what the audit says of all draws so far.
func (c *Client) Fairness(ctx context.Context) (out message.Fairness, err error) {
	return out, c.Do(ctx, message.OpFairness, nil, &out)
}

// Evidence returns votes that contradict each other, the newest first.
func (c *Client) Evidence(ctx context.Context) ([]message.Evidence, error) {
	var out message.EvidenceList
	err := c.Do(ctx, message.OpEvidence, nil, &out)
	return out.Evidence, err
}

type topicArgs struct {
	Topics []message.Topic `json:"topics"`
}

// Subscription is news of topics, in order.
type Subscription struct {
	// News is closed when the connection ends; Client.Err says why. It has room
	// for Options.News events; a reader further behind loses the connection.
	News <-chan message.Event
	// Height is that of the newest block when the subscription began: news of
	// blocks and winners begins above it, and leaves none out.
	Height uint64
}

// Subscribe asks for news of topics. A client has one subscription: to
// subscribe again is an error.
func (c *Client) Subscribe(ctx context.Context, topics ...message.Topic) (*Subscription, error) {
	c.mu.Lock()
	if c.err != nil || c.news != nil {
		defer c.mu.Unlock()
		if c.err != nil {
			return nil, c.err
		}
		return nil, errors.New("subscribe: this client has a subscription already: name all topics at once, or use another client")
	}
	news := make(chan message.Event, c.size)
	c.news = news
	c.mu.Unlock()
	var out message.Topics
	if err := c.Do(ctx, message.OpSubscribe, topicArgs{topics}, &out); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.err == nil {
			c.news = nil
		}
		return nil, err
	}
	return &Subscription{News: news, Height: out.Height}, nil
}

// Unsubscribe ends news of topics, and returns those that are left. The channel
// stays open, and events that were on their way may still come.
func (c *Client) Unsubscribe(ctx context.Context, topics ...message.Topic) ([]message.Topic, error) {
	var out message.Topics
	err := c.Do(ctx, message.OpUnsubscribe, topicArgs{topics}, &out)
	return out.Topics, err
}
