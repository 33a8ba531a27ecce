package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/posnet/posnet/node/failpoint"
)

// Commit implements Store.
func (c *chain) Commit(heights ...Commit) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := checkAll(heights, c.Head(), c.stateless); err != nil || len(heights) == 0 {
		return err
	}
	batch := c.db.NewBatch()
	var err error
	for _, com := range heights {
		err = errors.Join(err, addBlock(batch, com), addRecords(batch, com),
			addChanges(batch, byte(c.space.Load()), com.State), addChanges(batch, auxSpace, com.Aux))
	}
	if err == nil {
		err = c.apply(batch, pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("storage: cannot store height %d in %s, so the node must stop: %w", heights[0].Height, c.dir, advised(err))
	}
	c.head.Store(heights[len(heights)-1].Height)
	return nil
}

func (c *chain) stateless() (bool, error) { return c.isEmpty(byte(c.space.Load())) }

func (c *chain) isEmpty(space byte) (bool, error) {
	it, err := c.iter([]byte{space}, nil)
	if err != nil {
		return false, c.failed("read", err)
	}
	some := it.First()
	return !some, errors.Join(it.Error(), it.Close())
}

func addBlock(batch *pebble.Batch, com Commit) error {
	if com.Height == 0 {
		return nil
	}
	op := batch.SetDeferred(1+8, 4+len(com.Block)+len(com.Certificate))
	op.Key[0] = blockSpace
	binary.BigEndian.PutUint64(op.Key[1:], com.Height)
	binary.BigEndian.PutUint32(op.Value, uint32(len(com.Block)))
	copy(op.Value[4:], com.Block)
	copy(op.Value[4+len(com.Block):], com.Certificate)
	return op.Finish()
}

// addRecords adds where each record is, in the order of their ids: Pebble finds the
// place of a key at once where it is next to that of the key before.
func addRecords(batch *pebble.Batch, com Commit) error {
	order := make([]int, len(com.Records))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return bytes.Compare(com.Records[i][:], com.Records[j][:]) })
	for _, i := range order {
		id := com.Records[i]
		op := batch.SetDeferred(1+len(id), 8+4)
		recordKey(op.Key[:0], id)
		binary.BigEndian.PutUint64(op.Value, com.Height)
		binary.BigEndian.PutUint32(op.Value[8:], uint32(i))
		if err := op.Finish(); err != nil {
			return err
		}
	}
	return nil
}

func addChanges(batch *pebble.Batch, space byte, changes []Change) error {
	for _, ch := range changes {
		var op *pebble.DeferredBatchOp
		if ch.Value == nil {
			op = batch.DeleteDeferred(1 + len(ch.Key))
		} else {
			op = batch.SetDeferred(1+len(ch.Key), len(ch.Value))
			copy(op.Value, ch.Value)
		}
		op.Key[0] = space
		copy(op.Key[1:], ch.Key)
		if err := op.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// Put implements Store.
func (c *chain) Put(aux ...Change) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	batch := c.db.NewBatch()
	return c.finish(batch, addChanges(batch, auxSpace, aux), pebble.Sync)
}

// finish applies a batch that was filled without an error.
func (c *chain) finish(batch *pebble.Batch, err error, options *pebble.WriteOptions) error {
	if err == nil {
		err = c.apply(batch, options)
	}
	if err != nil {
		return fmt.Errorf("storage: cannot store in %s, so the node must stop: %w", c.dir, advised(err))
	}
	return nil
}

// Prune implements Store.
func (c *chain) Prune(p Pruned) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := p.check(c.Oldest(), c.Head()); err != nil {
		return err
	}
	batch := c.db.NewBatch()
	err := errors.Join(batch.Delete(binary.BigEndian.AppendUint64([]byte{blockSpace}, p.Height), nil), addChanges(batch, auxSpace, p.Aux))
	for _, id := range p.Records {
		err = errors.Join(err, batch.Delete(recordKey(nil, id), nil))
	}
	c.oldest.Store(p.Height + 1) // before, so that whoever misses the block knows why
	return c.finish(batch, err, pebble.NoSync)
}

// aside is the space that the state is not in.
func (c *chain) aside() byte {
	if c.space.Load() == stateSpace {
		return secondSpace
	}
	return stateSpace
}

// Stage implements Store.
func (c *chain) Stage(entries ...Change) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	batch := c.db.NewBatch()
	return c.finish(batch, addChanges(batch, c.aside(), entries), pebble.NoSync)
}

// Unstage implements Store.
func (c *chain) Unstage() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if empty, err := c.isEmpty(c.aside()); err != nil || empty {
		return err
	}
	batch := c.db.NewBatch()
	return c.finish(batch, dropAll(batch, []byte{c.aside()}), pebble.NoSync)
}

// dropAll deletes all keys with a prefix.
func dropAll(batch *pebble.Batch, prefix []byte) error {
	return batch.DeleteRange(prefix, after(prefix), nil)
}

// Install implements Store.
func (c *chain) Install(i Installed) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := i.check(c.Head()); err != nil {
		return err
	}
	batch, space := c.db.NewBatch(), c.aside()
	err := errors.Join(dropAll(batch, []byte{blockSpace}), dropAll(batch, []byte{recordSpace}), dropAll(batch, []byte{byte(c.space.Load())}))
	for _, prefix := range i.Drop {
		err = errors.Join(err, dropAll(batch, append([]byte{auxSpace}, prefix...)))
	}
	base := append(binary.BigEndian.AppendUint64(nil, i.Height), space)
	err = errors.Join(err, addChanges(batch, auxSpace, i.Aux), batch.Set([]byte{baseSpace}, base, nil))
	if err := c.finish(batch, err, pebble.Sync); err != nil {
		return err
	}
	c.space.Store(uint32(space))
	c.head.Store(i.Height)
	c.oldest.Store(i.Height + 1)
	return nil
}

// apply puts the batch on disk. Faults of the disk may be told by the call or
// beside it; either way nothing is written after the first.
func (c *chain) apply(batch *pebble.Batch, options *pebble.WriteOptions) error {
	if c.broken == nil {
		c.broken = c.faults.err()
	}
	if c.broken != nil {
		return c.broken
	}
	failpoint.Pass(failpoint.CommitBatch)
	applying := c.faults.begin(func() error {
		return errors.Join(c.db.Apply(batch, options), batch.Close())
	})
	c.stuck, c.broken = applying.end()
	failpoint.Pass(failpoint.CommitStored)
	return c.broken
}

// Close implements Store. A database that still writes after a fault of the disk
// is left to the end of the process.
func (c *chain) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if errors.Is(c.broken, errClosed) {
		return nil
	}
	faulty := c.faults.err() != nil
	c.broken = errClosed
	if c.stuck {
		return nil
	}
	if _, err := c.faults.begin(c.db.Close).end(); err != nil && !faulty {
		return c.failed("close", err)
	}
	return nil
}
