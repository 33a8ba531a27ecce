package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// maxDrift is how far a block's time may be ahead of this node's clock:
// classroom laptops are rarely off by more.
const maxDrift = 10 * time.Second

// chain is the committed blocks and the state after them. The main loop owns
// it; Engine.mu guards what others read.
type chain struct {
	genesis *genesis.Genesis
	network types.Hash
	store   storage.Store
	state   *ledger.State
	head    head
	next    nextHeight
	drawn   types.Hash                 // of the list of participants written last; zero: none by this process
	names   map[types.PublicKey]string // of validators, those that left included
	unsaved []storage.Change           // names that the next commit writes
	records uint64                     // committed since genesis
}

// head is the newest committed block.
type head struct {
	Height uint64
	Hash   types.Hash
	Time   types.Time
}

// nextHeight is what the head says about the height above it.
type nextHeight struct {
	set          *types.ValidatorSet
	seed         lottery.Seed
	draw         *lottery.Draw
	participants []ledger.Participant
	hosts        map[types.PublicKey]types.PublicKey // of every participant
}

// executed is a block whose records were applied to the state before it.
type executed struct {
	block   *types.Block
	delta   *ledger.Delta
	reading int // of a guest hosted here, in a block built here: which of its readings is in
}

// openChain reads the state back from the store, or begins at genesis.
func openChain(g *genesis.Genesis, store storage.Store) (*chain, error) {
	c := &chain{genesis: g, network: g.Network(), store: store, names: map[types.PublicKey]string{}}
	err := c.loadNames()
	if err != nil {
		return nil, err
	}
	begun, err := hasState(store)
	if err != nil {
		return nil, err
	}
	if !begun {
		return c, c.beginChain()
	}
	if c.state, err = ledger.Load(g, store.State); err != nil {
		return nil, fmt.Errorf("the stored state cannot be read: %w: start with an empty data folder to fetch it anew", err)
	}
	if store.Head() == 0 {
		c.head = head{Hash: c.network, Time: g.Time}
		return c, c.prepare()
	}
	block, _, err := readBlock(store, store.Head())
	if err != nil {
		return nil, err
	}
	c.head = head{block.Header.Height, block.Header.Hash(), block.Header.Time}
	info, err := history{store}.info(c.head.Height)
	if err != nil {
		return nil, err
	}
	c.records = info.Total
	if c.state.Height() != c.head.Height {
		return nil, fmt.Errorf("the stored state is of height %d but the newest block of height %d: %w", c.state.Height(), c.head.Height, errDamaged)
	}
	return c, c.prepare()
}

// hasState reports whether the state of some height is stored.
func hasState(store storage.Store) (bool, error) {
	found := errors.New("found")
	err := store.State(func(_, _ []byte) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// beginChain stores the state of genesis.
func (c *chain) beginChain() error {
	var err error
	if c.state, err = ledger.New(c.genesis); err != nil {
		return err
	}
	c.head = head{Hash: c.network, Time: c.genesis.Time}
	if err := c.store.Commit(storage.Commit{State: stored(c.state.Entries())}); err != nil {
		return fmt.Errorf("the state of genesis cannot be written: %w", err)
	}
	return c.prepare()
}

// prepare computes what the head says about the next height.
func (c *chain) prepare() error {
	height := c.head.Height + 1
	n := nextHeight{set: c.state.Validators(height), seed: c.state.Seed(), participants: c.state.Participants(), hosts: map[types.PublicKey]types.PublicKey{}}
	for _, p := range n.participants {
		n.hosts[p.ID] = p.Host
	}
	var err error
	if n.draw, err = lottery.NewDraw(n.seed, height, lotteryParticipants(n.participants)); err != nil {
		return fmt.Errorf("height %d: %w", height, err)
	}
	c.next = n
	c.learnNames(n.set)
	c.learnNames(c.state.Validators(height + 1))
	return nil
}

// order is the draw as agreement sees it.
type order struct{ next nextHeight }

// Len implements consensus.Order.
func (o order) Len() int { return o.next.draw.Len() }

// At implements consensus.Order.
func (o order) At(i int) consensus.Turn {
	winner := types.PublicKey(o.next.draw.At(uint32(i)))
	return consensus.Turn{Winner: winner, Proposer: o.next.hosts[winner]}
}

// errHeader marks a block that no clock or pool could make valid.
var errHeader = errors.New("invalid header")

// checkHeader checks what a header says against the chain, and returns the
// VRF output of its proof. Its winner and round are checked here too, so that a
// block fetched from a peer meets the same rules as a proposed one.
func (c *chain) checkHeader(h *types.Header) (lottery.Output, error) {
	var none lottery.Output
	bad := func(format string, args ...any) (lottery.Output, error) {
		return none, fmt.Errorf("block %d of %s: %w: %s", h.Height, h.Proposer.Short(), errHeader, fmt.Sprintf(format, args...))
	}
	turn := order{c.next}.At(int(h.Round) % c.next.draw.Len())
	proposer, ok := c.next.set.ByKey(h.Proposer)
	switch {
	case h.Network != c.network:
		return bad("it is of network %s", h.Network.Short())
	case h.Height != c.head.Height+1 || h.Prev != c.head.Hash:
		return bad("it does not follow block %d with hash %s", c.head.Height, c.head.Hash.Short())
	case h.Time < c.head.Time:
		return bad("its time is before its parent's")
	case h.State != c.state.Digest():
		return bad("its state digest %s is not ours, %s", h.State.Short(), c.state.Digest().Short())
	case h.Validators != c.next.set.Hash():
		return bad("its validator set is not ours")
	case h.Winner != turn.Winner || h.Proposer != turn.Proposer || !ok:
		return bad("round %d drew %s, hosted by %s", h.Round, turn.Winner.Short(), turn.Proposer.Short())
	}
	output, err := lottery.Verify(lottery.VRFPublicKey(proposer.VRFKey), c.next.seed, h.Height, lottery.Proof(h.Proof))
	if err != nil {
		return bad("%v", err)
	}
	return output, nil
}

// execute applies a block's records to the state before it; the state stays as
// it is. Every record must be valid.
func (c *chain) execute(header types.Header, records []types.VerifiedRecord) (*executed, error) {
	output, err := c.checkHeader(&header)
	if err != nil {
		return nil, err
	}
	trial := c.state.Begin(header.Height, header.Winner, header.Proposer)
	block := &types.Block{Header: header, Records: make([]*types.Record, len(records))}
	bytes := 0
	for i, r := range records {
		if err := trial.Apply(r); err != nil {
			return nil, fmt.Errorf("block %d: record %d: %w", header.Height, i, err)
		}
		block.Records[i] = r.Record()
		bytes += len(r.Record().Raw())
	}
	if bytes > types.MaxBlockBytes {
		return nil, fmt.Errorf("block %d: %d bytes of records: at most %d are allowed", header.Height, bytes, types.MaxBlockBytes)
	}
	delta, err := trial.Finish(output)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", header.Height, err)
	}
	return &executed{block: block, delta: delta}, nil
}

// commit makes a block the head: state in memory, then all of it in one synced
// batch on disk. An error leaves the node unable to go on.
func (c *chain) commit(x *executed, rawBlock, certificate []byte) error {
	h := &x.block.Header
	info := heightInfo{
		Seed: c.next.seed, Participants: participantsHash(c.next.participants), Round: h.Round,
		Winner: h.Winner, Proposer: h.Proposer, Hash: h.Hash(), Time: h.Time, Records: h.Records,
		Total: c.records + uint64(h.Records),
	}
	batch := storage.Commit{Height: h.Height, Block: rawBlock, Certificate: certificate, Records: x.block.IDs()}
	batch.Aux = append(c.unsaved, storage.Change{Key: heightKey(h.Height), Value: info.encode()})
	if c.drawn != info.Participants {
		batch.Aux = append(batch.Aux, storage.Change{Key: participantsKey(info.Participants), Value: encodeParticipants(c.next.participants)})
	}
	batch.State = stored(c.state.Commit(x.delta))
	if err := c.store.Commit(batch); err != nil {
		return fmt.Errorf("block %d cannot be written: %w", h.Height, err)
	}
	c.head, c.records = head{h.Height, info.Hash, h.Time}, info.Total
	c.drawn, c.unsaved = info.Participants, nil
	return c.prepare()
}

// stored converts the ledger's changes to the store's.
func stored(changes []ledger.Change) []storage.Change {
	out := make([]storage.Change, len(changes))
	for i, c := range changes {
		out[i] = storage.Change(c)
	}
	return out
}

// loadNames reads the names of all validators that ever were.
func (c *chain) loadNames() error {
	for _, v := range c.genesis.Validators {
		c.names[v.Key] = v.Name
	}
	kept, err := c.store.AuxRange([]byte{keyName}, nil, maxNames)
	for _, k := range kept {
		c.names[types.PublicKey(k.Key[1:])] = string(k.Value)
	}
	return err
}

// learnNames notes the names of validators that are new.
func (c *chain) learnNames(set *types.ValidatorSet) {
	for i := range set.Len() {
		v := set.At(i)
		if c.names[v.Key] == v.Name {
			continue
		}
		c.names[v.Key] = v.Name
		c.unsaved = append(c.unsaved, storage.Change{Key: append([]byte{keyName}, v.Key[:]...), Value: []byte(v.Name)})
	}
}

// maxNames bounds the validators remembered by name over a restart: more than
// a network sees in its life.
const maxNames = 10_000
