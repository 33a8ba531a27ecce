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
	beside := c.Beside()
	for i, b := range c.Blocks {
		err := s.Commit(storage.Commit{
			Height: b.Header.Height, Block: b.Encode(), Certificate: b.Certificate.Encode(), Records: b.IDs(), State: stored(late), Aux: beside[i],
		})
		if err != nil {
			return err
		}
		late = b.Changes
	}
	return nil
}

// Beside is what is kept of the height of each block beside the block.
func (c *Chain) Beside() [][]storage.Change {
	out := make([][]storage.Change, len(c.Blocks))
	total := uint64(0)
	for i, b := range c.Blocks {
		h := &b.Header
		total += uint64(h.Records)
		info := heights.Info{
			Seed: b.Seed, Participants: heights.ParticipantsHash(b.Drawn), Round: h.Round, Winner: h.Winner, Proposer: h.Proposer,
			Hash: h.Hash(), Time: h.Time, Records: h.Records, Total: total,
		}
		out[i] = []storage.Change{
			{Key: heights.InfoKey(h.Height), Value: info.Encode()},
			{Key: heights.ParticipantsKey(info.Participants), Value: heights.EncodeParticipants(b.Drawn)},
			{Key: heights.SetKey(b.Set.Hash()), Value: b.Set.Encode()},
			{Key: heights.SetKey(b.Following.Hash()), Value: b.Following.Encode()},
		}
		if h.NextValidators != h.Validators {
			out[i] = append(out[i], storage.Change{Key: heights.HandoverKey(h.Height), Value: heights.EncodeCertified(h, b.Certificate.Encode())})
		}
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
