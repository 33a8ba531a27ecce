package engine

import (
	"context"
	"errors"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// Oldest returns the height of the oldest block that this node keeps.
func (e *Engine) Oldest() uint64 { return e.options.Data.Store.Oldest() }

// Pool returns the oldest waiting records, at most limit, and how many wait.
func (e *Engine) Pool(_ context.Context, limit int) ([]*types.Record, int, error) {
	return e.oldest(limit), e.pool.Stats().Size, nil
}

// PoolSize returns how many records wait, and their encoded bytes.
func (e *Engine) PoolSize() message.PoolSize {
	s := e.pool.Stats()
	return message.PoolSize{Records: s.Size, Bytes: s.Bytes}
}

// Name returns the name of a validator of today or of before, or "".
func (e *Engine) Name(validator types.PublicKey) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.chain.names[validator]
}

// Status returns the node's state.
func (e *Engine) Status(context.Context) (message.Status, error) {
	view, online := e.view.Load(), e.online()
	s := message.Status{
		Name: e.options.Config.Name, Key: e.self, Network: e.options.Genesis.Name, NetworkID: e.network, Version: e.options.Version,
		Round: view.Round, Step: view.Step.String(), Voting: !e.watching.Load(), Ready: true,
		Peers: len(online) - 1, Rule: e.options.Config.Builder.When,
		Evidence: e.evidence.count(), Params: params(e.options.Genesis.Params),
	}
	if err := e.Ready(); err != nil {
		s.Ready, s.NotReady = false, err.Error()
	}
	if err := e.see(); err != nil {
		return message.Status{}, err
	}
	defer e.mu.RUnlock()
	stats := e.pool.Stats()
	s.PoolSize, s.PoolBytes = stats.Size, stats.Bytes
	c := e.chain
	s.Height, s.HeadHash, s.Oldest = c.head.Height, c.head.Hash, e.Oldest()
	if s.Height > 0 {
		s.HeadTime = message.Timestamp(c.head.Time)
	}
	s.Validators, s.TotalStake = c.next.Set.Len(), c.next.Set.Total()
	for _, v := range c.next.Set.List() {
		if online[v.Key] {
			s.OnlineStake += v.Stake
		}
	}
	for _, p := range c.next.Participants {
		if p.Guest {
			s.Guests++
		}
	}
	s.Totals = message.Totals{Records: c.records, Minted: c.state.Minted()}
	return s, nil
}

// online returns the validators this node is linked with, and itself.
func (e *Engine) online() map[types.PublicKey]bool {
	out := map[types.PublicKey]bool{e.self: true}
	for _, key := range e.linked() {
		out[key] = true
	}
	return out
}

// Peers returns the validators this node links with.
func (e *Engine) Peers(context.Context) ([]message.Peer, error) {
	out := []message.Peer{}
	for _, p := range e.options.Links.Peers() {
		peer := message.Peer{Name: p.Name, Key: p.Key, Address: p.Address, Online: p.Up()}
		if !p.Since.IsZero() {
			peer.Since = message.Timestamp(types.TimeOf(p.Since))
		}
		peer.Height = e.peers.height(p.Key)
		out = append(out, peer)
	}
	return out, nil
}

// Balance returns the state of an account.
func (e *Engine) Balance(_ context.Context, account types.Account) (message.Balance, error) {
	if err := e.see(); err != nil {
		return message.Balance{}, err
	}
	defer e.mu.RUnlock()
	a := e.chain.state.Account(account)
	b := message.Balance{Account: account, Balance: a.Balance, Nonce: a.Nonce, PendingNonce: a.Nonce, Head: e.chain.head.Height}
	if key, ok := account.Key(); ok {
		b.PendingNonce = max(a.Nonce, e.pool.NextNonce(key, a.Nonce))
	}
	return b, nil
}

// Record returns the fate of a record.
func (e *Engine) Record(ctx context.Context, id types.Hash) (message.Record, error) {
	fate, err := e.fate(id)
	if err != nil || fate.State != message.Committed {
		return fate, err
	}
	b, _, err := e.Block(ctx, fate.Height)
	if err != nil {
		return message.Record{}, err
	}
	fate.Record = &message.Item{Record: b.Records[fate.Index]}
	if fate.Index > 0 {
		fate.Record.Prev = b.Records[fate.Index-1].ID()
	}
	return fate, nil
}

// fate is what became of a record as of the newest block; where it is in a block,
// the record itself is left out, since reading it takes longer than a commit
// should have to wait.
func (e *Engine) fate(id types.Hash) (message.Record, error) {
	if err := e.see(); err != nil {
		return message.Record{}, err
	}
	defer e.mu.RUnlock()
	fate := message.Record{ID: id, Head: e.chain.head.Height}
	height, index, ok, err := e.options.Data.Store.Place(id)
	if err != nil {
		return message.Record{}, err
	}
	if ok {
		// A copy whose signature was being checked meanwhile may be in the pool once more.
		fate.State, fate.Height, fate.Index = message.Committed, height, index
		return fate, nil
	}
	if r, ok := e.pool.Get(id); ok {
		fate.State, fate.Record = message.Pooled, &message.Item{Record: r.Record()}
		return fate, nil
	}
	if reason, ok := e.fates.Dropped(id); ok {
		fate.State, fate.Reason = message.Dropped, reason
		return fate, nil
	}
	if oldest := e.Oldest(); oldest > 1 {
		return message.Record{}, message.Errorf(message.StatusNotFound, "record %s is neither in the pool nor in block %d or a newer one, and older blocks this node does not keep: ask a node that keeps all", id, oldest)
	}
	return message.Record{}, message.Errorf(message.StatusNotFound, "record %s is neither in the pool nor in a block, and this node does not remember dropping it", id)
}

// Winners returns the winners up to a height, newest first; 0 stands for the
// newest.
func (e *Engine) Winners(_ context.Context, height uint64, limit int) ([]message.Winner, error) {
	out := []message.Winner{}
	if height == 0 {
		height = e.Head()
	}
	for ; height > 0 && len(out) < limit; height-- {
		info, err := e.history.info(height)
		if len(out) > 0 && height < e.Oldest() {
			break // the rest is kept no more
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e.winner(height, &info))
	}
	return out, nil
}

func (e *Engine) winner(height uint64, i *heights.Info) message.Winner {
	return message.Winner{
		Height: height, Round: i.Round, Validator: e.Name(i.Proposer), Guest: i.Winner != i.Proposer, Key: i.Winner,
		Hash: i.Hash, Time: message.Timestamp(i.Time), Records: i.Records,
	}
}

func readBlock(store storage.Store, height uint64) (*types.Block, *types.Certificate, error) {
	raw, rawCert, err := store.Block(height)
	if oldest := store.Oldest(); errors.Is(err, storage.ErrNotFound) && height > 0 && height < oldest {
		return nil, nil, gone(height, oldest)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil, message.Errorf(message.StatusNotFound, "there is no block %d: the newest is %d", height, store.Head())
	}
	if err != nil {
		return nil, nil, err
	}
	block, err := types.DecodeBlock(raw)
	if err != nil {
		return nil, nil, err
	}
	cert, err := types.DecodeCertificate(rawCert)
	return block, cert, err
}
