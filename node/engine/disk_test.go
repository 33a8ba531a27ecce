package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// overlaidStore has another value under one auxiliary key.
type overlaidStore struct {
	storage.Store
	key, value []byte
}

func (s *overlaidStore) Aux(key []byte) ([]byte, bool, error) {
	if string(key) == string(s.key) {
		return s.value, true, nil
	}
	return s.Store.Aux(key)
}

func (s *overlaidStore) AuxRange(prefix, from []byte, limit int) ([]storage.Change, error) {
	list, err := s.Store.AuxRange(prefix, from, limit)
	if strings.HasPrefix(string(s.key), string(prefix)) {
		list = append(list, storage.Change{Key: s.key, Value: s.value})
	}
	return list, err
}

// fullStore is on a disk that has room for so many more writes.
type fullStore struct {
	storage.Store
	writes int
}

func (s *fullStore) Commit(heights ...storage.Commit) error {
	if s.writes--; s.writes < 0 {
		return errDiskFull
	}
	return s.Store.Commit(heights...)
}

func (s *fullStore) Put(aux ...storage.Change) error {
	if s.writes--; s.writes < 0 {
		return errDiskFull
	}
	return s.Store.Put(aux...)
}

// A node whose disk fails stops with a sentence and signs nothing more; the
// others go on.
func TestDiskFull(t *testing.T) {
	for name, fail := range map[string]func(d *storage.Data){
		"store":    func(d *storage.Data) { d.Store = &fullStore{d.Store, 3} },
		"sign log": func(d *storage.Data) { d.SignLog = &brokenLog{d.SignLog, 5} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := prepareNetwork(t, []uint64{25, 25, 25, 25}, nil)
				fail(w.nodes[3].data)
				for i := range w.nodes {
					w.start(i)
				}
				w.grow(4, 0, 1, 2)
				n := w.nodes[3]
				<-n.Dead()
				if err := n.Err(); !errors.Is(err, errDiskFull) || len(err.Error()) < len(errDiskFull.Error())+10 {
					t.Errorf("it died of %v", err)
				}
				if n.Ready() == nil {
					t.Error("a dead node is ready")
				}
				if b, err := n.Balance(t.Context(), open(t, 1)); err == nil {
					t.Errorf("a dead node, whose chain may be ahead of its disk, tells a balance as of block %d", b.Head)
				}
				r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: open(t, 1), Amount: 1}
				if err := n.Merge(t.Context(), []*types.Record{r}); err == nil {
					t.Error("a dead node takes records")
				}
				votes := n.links.count(p2p.KindVote)
				w.grow(5, 0, 1, 2)
				if now := n.links.count(p2p.KindVote); now != votes {
					t.Errorf("a dead node sent %d votes", now-votes)
				}
			})
		})
	}
}

// What a step asks for after the disk has failed is not done.
func TestNothingIsDoneAfterTheDiskFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{1}, nil)
		n := w.nodes[0]
		n.data.SignLog = &brokenLog{n.data.SignLog, 0}
		w.start(0)
		r := &types.Record{Type: types.Transfer, Sender: types.Genesis, Receiver: open(t, 1), Amount: 1}
		if err := n.Merge(t.Context(), []*types.Record{r}); err != nil && !errors.Is(err, errStopping) { // it may end sooner than it answers
			t.Fatal(err)
		}
		<-n.Dead()
		quiet(time.Minute)
		if n.Head() != 0 || n.data.Store.Head() != 0 {
			t.Error("a block was committed with a sign log that cannot be written")
		}
	})
}

// A node that is dead carries out nothing the core still asks for.
func TestDeadNodeSignsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{1}, when("pool.size >= 0"))
		n := w.nodes[0]
		if err := n.make(); err != nil {
			t.Fatal(err)
		}
		n.watch.begin(n.Engine)
		n.die(errDiskFull)
		n.step(n.newHeight())
		n.step(consensus.CandidateReady{Ready: true})
		if entries, err := n.data.SignLog.Entries(); len(entries) > 0 || err != nil {
			t.Errorf("%d entries in the sign log, %v", len(entries), err)
		}
		n.Engine = nil
	})
}

// stateStore stores the state otherwise than it is told to.
type stateStore struct {
	storage.Store
	commit func(c *storage.Commit)
}

func (s stateStore) Commit(heights ...storage.Commit) error {
	for i := range heights {
		s.commit(&heights[i])
	}
	return s.Store.Commit(heights...)
}

// A node that starts on a state which is not that before its head says so, though
// each entry of it can be read.
func TestStoredStateIsNotThatOfTheHead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		w.stop(3)
		good := w.nodes[3].data.Store
		w.nodes[3].data.Store = stateStore{good, func(c *storage.Commit) {
			for i, change := range c.State {
				if string(change.Key) == "m" {
					c.State[i].Value = bytes.Clone(change.Value)
					c.State[i].Value[32+8]++ // of the seed
				}
			}
		}}
		w.start(3)
		w.grow(1, 0, 1, 2, 3)
		w.stop(3)
		if err := w.nodes[3].make(); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "the stored state of height 3 is not that which block 4 was made on") {
			t.Errorf("got %v", err)
		}
		w.nodes[3].newDisk()
	})
}

// A folder whose state is that of the head, as older programs stored it, is gone on
// with, and from the next block on the state is a height late.
func TestStateOfOlderProgramIsGoneOnWith(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(3, 0, 1, 2, 3)
		w.stop(3)
		n := w.nodes[3]
		late := n.Engine.chain.late
		n.data.Store = stateStore{n.data.Store, func(c *storage.Commit) {
			if c.Height == 4 {
				next, err := openChain(w.genesis, w.nodes[0].data.Store)
				if err != nil {
					t.Error(err)
					return
				}
				c.State = append(late, next.late...)
			}
		}}
		w.grow(1, 0, 1, 2)
		w.start(3)
		w.await(4, 3)
		w.stop(3)
		if err := n.make(); err != nil || n.Engine.chain.state.Height() != 4 || n.Engine.chain.settled() != 0 {
			t.Fatalf("it is not the state of an older program: %v", err)
		}
		for range 3 {
			w.start(3)
			w.grow(2, 3, 0, 1, 2)
			w.checkAlike(0, 3)
			w.stop(3)
		}
	})
}
