package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// chain is the committed blocks and the state after them. The main loop owns
// it; Engine.mu guards what others read. The state on disk is a height late: that
// before the head, whose header has its digest, so that it can be handed to a peer
// at any time, right after a start too, and nobody has to wait for the next block.
type chain struct {
	genesis *genesis.Genesis
	network types.Hash
	store   storage.Store
	state   *ledger.State
	head    validity.Head
	next    *validity.Next
	drawn   types.Hash                 // of the list of participants written last; zero: none by this process
	sets    []types.Hash               // of the validators written last
	names   map[types.PublicKey]string // of validators, those that left included
	unsaved []storage.Change           // names that the next commit writes
	late    []storage.Change           // what the head changed in the state: the next commit writes it
	records uint64                     // committed since genesis, or since the snapshot that was installed
}

// executed is a valid block with what it changes.
type executed struct {
	*validity.Executed
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
		c.head = validity.GenesisHead(g)
		return c, c.prepare()
	}
	if err := c.findHead(); err != nil {
		return nil, err
	}
	if c.state.Height() != c.head.Height {
		return nil, fmt.Errorf("the stored state is of height %d but the newest block of height %d: %w", c.state.Height(), c.head.Height, errDamaged)
	}
	return c, c.prepare()
}

// findHead reads the newest block and brings the state to it, or, right after a
// snapshot, reads the header whose state it was.
func (c *chain) findHead() error {
	height := c.store.Head()
	if c.store.Oldest() > height {
		header, err := history{c.store}.base(height)
		if err == nil {
			c.head = validity.HeadOf(header)
		}
		return err
	}
	block, _, err := readBlock(c.store, height)
	if err != nil {
		return err
	}
	if c.state.Height()+1 == height { // else it is that of the head already: older programs stored it so
		if err := c.redo(block); err != nil {
			return err
		}
	}
	c.head = validity.HeadOf(&block.Header)
	info, err := history{c.store}.info(height)
	c.records = info.Total
	return err
}

// redo brings the stored state to the head. That it is the one which the head was
// made on is checked by its digest.
func (c *chain) redo(head *types.Block) error {
	h := &head.Header
	next, err := validity.After(c.state, validity.Head{Height: h.Height - 1, Hash: h.Prev, Time: h.Time})
	if err != nil {
		return fmt.Errorf("the stored state of height %d: %w: %w", c.state.Height(), err, errDamaged)
	}
	records := make([]types.VerifiedRecord, len(head.Records))
	for i, r := range head.Records {
		records[i] = types.VouchRecord(r)
	}
	x, err := next.Execute(*h, records)
	if err != nil {
		return fmt.Errorf("the stored state of height %d is not that which block %d was made on: %w: %w", c.state.Height(), h.Height, err, errDamaged)
	}
	c.late = stored(c.state.Commit(x.Delta))
	return nil
}

// settled is the height of the state on disk, if the head binds its digest and it
// is more than the genesis says; else 0.
func (c *chain) settled() uint64 {
	if c.late == nil {
		return 0
	}
	return c.head.Height - 1
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
	c.head = validity.GenesisHead(c.genesis)
	if err := c.store.Commit(storage.Commit{State: stored(c.state.Entries())}); err != nil {
		return fmt.Errorf("the state of genesis cannot be written: %w", err)
	}
	return c.prepare()
}

// prepare computes what the head says about the next height.
func (c *chain) prepare() error {
	var err error
	if c.next, err = validity.After(c.state, c.head); err != nil {
		return err
	}
	c.learnNames(c.next.Set)
	c.learnNames(c.next.Following)
	return nil
}

// order is the draw as agreement sees it.
type order struct{ next *validity.Next }

// Len implements consensus.Order.
func (o order) Len() int { return o.next.Draw.Len() }

// At implements consensus.Order.
func (o order) At(i int) consensus.Turn {
	winner, proposer := o.next.Turn(uint32(i))
	return consensus.Turn{Winner: winner, Proposer: proposer}
}

// execute checks a block and applies its records to the state before it; the
// state stays as it is.
func (c *chain) execute(header types.Header, records []types.VerifiedRecord) (*executed, error) {
	x, err := c.next.Execute(header, records)
	if err != nil {
		return nil, err
	}
	return &executed{Executed: x}, nil
}

// advance makes a block the head, in memory; what it changes on disk is returned,
// for write. An error leaves the node unable to go on.
func (c *chain) advance(x *executed, rawBlock, certificate []byte) (storage.Commit, error) {
	h := &x.Block.Header
	info := heights.Info{
		Seed: c.next.Seed, Participants: heights.ParticipantsHash(c.next.Participants), Round: h.Round,
		Winner: h.Winner, Proposer: h.Proposer, Hash: h.Hash(), Time: h.Time, Records: h.Records,
		Total: c.records + uint64(h.Records),
	}
	batch := storage.Commit{Height: h.Height, Block: rawBlock, Certificate: certificate, Records: x.Block.IDs()}
	batch.Aux = append(c.unsaved, storage.Change{Key: heights.InfoKey(h.Height), Value: info.Encode()})
	if c.drawn != info.Participants {
		batch.Aux = append(batch.Aux, storage.Change{Key: heights.ParticipantsKey(info.Participants), Value: heights.EncodeParticipants(c.next.Participants)})
	}
	batch.Aux = append(batch.Aux, c.newSets()...)
	if h.NextValidators != h.Validators {
		batch.Aux = append(batch.Aux, storage.Change{Key: heights.HandoverKey(h.Height), Value: heights.EncodeCertified(h, certificate)})
	}
	batch.State, c.late = c.late, stored(c.state.Commit(x.Delta))
	c.head, c.records = validity.Head{Height: h.Height, Hash: info.Hash, Time: h.Time}, info.Total
	c.drawn, c.unsaved = info.Participants, nil
	c.sets = []types.Hash{h.Validators, h.NextValidators}
	return batch, c.prepare()
}

// write puts heights that the chain advanced by on disk, all of them in one synced
// batch. After an error the chain in memory is ahead of the disk: the node cannot go on.
func (c *chain) write(heights ...storage.Commit) error {
	failpoint.Pass(failpoint.Decided)
	if err := c.store.Commit(heights...); err != nil {
		return fmt.Errorf("block %d cannot be written: %w", heights[0].Height, err)
	}
	return nil
}

// newSets is what is kept of the validators of the height under way and the
// next, as far as it is not kept yet: those who check proofs ask for it.
func (c *chain) newSets() []storage.Change {
	var out []storage.Change
	for _, set := range []*types.ValidatorSet{c.next.Set, c.next.Following} {
		if !slices.Contains(c.sets, set.Hash()) {
			out = append(out, storage.Change{Key: heights.SetKey(set.Hash()), Value: set.Encode()})
		}
	}
	return out
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
	if err != nil {
		return err
	}
	for _, k := range kept {
		if len(k.Key) != 1+len(types.PublicKey{}) {
			return fmt.Errorf("the name under key %.40x is no validator's: %w", k.Key, errDamaged)
		}
		c.names[types.PublicKey(k.Key[1:])] = string(k.Value)
	}
	return nil
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
