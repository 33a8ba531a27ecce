package forge

import (
	"errors"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
)

// Store writes the chain into a new data folder, as the node of the first
// validator of its genesis would: the state a height late.
func (c *Chain) Store(dir string) error {
	first := c.Genesis.Validators[0]
	data, err := storage.Open(dir, storage.Identity{Network: c.Genesis.Network(), Validator: first.Key, Name: first.Name}, nil)
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
			Height: b.Header.Height, Block: b.Encode(), Certificate: b.Certificate.Encode(), Records: b.IDs(), State: stored(late),
		})
		if err != nil {
			return err
		}
		late = b.Changes
	}
	return nil
}

func stored(changes []ledger.Change) []storage.Change {
	out := make([]storage.Change, len(changes))
	for i, c := range changes {
		out[i] = storage.Change(c)
	}
	return out
}
