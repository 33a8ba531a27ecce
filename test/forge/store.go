package forge

import (
	"errors"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
)

// Store writes the chain into a new data folder, as the node of the first
// validator of its genesis would: the state a height late.
func (c *Chain) Store(dir string) error {
	data, err := storage.Open(dir, c.identity(), nil)
	if err != nil {
		return err
	}
	return errors.Join(c.commit(data.Store), data.Close())
}

func (c *Chain) commit(s storage.Store) error {
	state, err := ledger.New(c.Genesis)
	if err != nil {
		return err
	}
	if err := s.Commit(storage.Commit{State: stored(state.Entries())}); err != nil {
		return err
	}
	var late []ledger.Change
	for _, b := range c.Blocks {
		err := s.Commit(storage.Commit{
			Height: b.Header.Height, Block: b.Encode(), Certificate: b.Certificate.Encode(), Records: b.IDs(), State: stored(late), Aux: c.beside(b),
		})
		if err != nil {
			return err
		}
		late = b.Changes
	}
	return nil
}

// beside is what is kept of a block's height beside the block, but for who took part
// in its draw.
func (c *Chain) beside(b Block) []storage.Change {
	h := &b.Header
	info := heights.Info{Seed: b.Seed, Round: h.Round, Winner: h.Winner, Proposer: h.Proposer, Hash: h.Hash(), Time: h.Time, Records: h.Records}
	out := []storage.Change{{Key: heights.InfoKey(h.Height), Value: info.Encode()}}
	for _, handover := range c.handovers(h.Height, h.Height+1) {
		out = append(out,
			storage.Change{Key: heights.SetKey(handover.Set.Hash()), Value: handover.Set.Encode()},
			storage.Change{Key: heights.HandoverKey(h.Height), Value: heights.EncodeCertified(h, b.Certificate.Encode())})
	}
	return out
}

// Prune lets go of the blocks below a height in a folder that Store wrote, as a node
// does.
func (c *Chain) Prune(dir string, below uint64) error {
	data, err := storage.Open(dir, c.identity(), nil)
	if err != nil {
		return err
	}
	for _, b := range c.Blocks[:below-1] {
		height := b.Header.Height
		err = errors.Join(err, data.Store.Prune(storage.Pruned{Height: height, Records: b.IDs(), Aux: []storage.Change{{Key: heights.InfoKey(height)}}}))
	}
	return errors.Join(err, data.Close())
}

func (c *Chain) identity() storage.Identity {
	first := c.Genesis.Validators[0]
	return storage.Identity{Network: c.Genesis.Network(), Validator: first.Key, Name: first.Name}
}

func stored(changes []ledger.Change) []storage.Change {
	out := make([]storage.Change, len(changes))
	for i, c := range changes {
		out[i] = storage.Change(c)
	}
	return out
}
