package engine

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// offering is a peer that tells of a snapshot which it has not, and answers
// nothing, or what answer makes of the question.
func offering(s *peerStatus, answer func(what snapshotWanted) []byte) *script {
	return &script{
		linkUp: func(sc *script, peer types.PublicKey) { sc.send(peer, p2p.KindStatus, s.encode()) },
		message: func(sc *script, from types.PublicKey, kind p2p.Kind, payload []byte) {
			if what, _, _ := decodeSnapshot(payload); kind == p2p.KindSnapshotWanted && answer != nil {
				sc.send(from, p2p.KindSnapshotFound, what.encode(answer(what)))
			}
		},
	}
}

// joinsBeside has node 3 meet node 2 first, which a script plays, and then the others.
func (w *network) joinsBeside(s *script) {
	w.t.Helper()
	w.stop(2)
	w.play(2, s)
	w.partition([]int{3}, []int{0, 1}, true)
	w.start(3)
	quiet(lackPatience + time.Second)
	w.partition([]int{3}, []int{0, 1}, false)
}

// What one peer says of a snapshot keeps nobody from the blocks that others have,
// not even if it comes and goes.
func TestOfferKeepsNobodyFromBlocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 0, map[int]uint64{0: 0, 1: 0, 2: 0})
		w.joinsBeside(offering(&peerStatus{Height: 45, Oldest: 45, Snapshot: maxHeight}, nil))
		began := time.Now()
		for range 10 {
			w.cut(3, 2, true)
			w.cut(3, 2, false)
			quiet(time.Second)
		}
		w.await(45, 3)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %v to catch up", took)
		}
		w.checkAlike(0, 3)
	})
}

// A peer that gives a real snapshot, but each piece as late as it may, is left for
// another before long.
func TestSlowPeerIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 30_000, nil)
		k := w.nodes[0].keeper
		s := &script{
			linkUp: func(s *script, peer types.PublicKey) {
				s.send(peer, p2p.KindStatus, (&peerStatus{Height: 45, Oldest: 45, Snapshot: 40}).encode())
			},
			message: func(s *script, from types.PublicKey, kind p2p.Kind, payload []byte) {
				if kind != p2p.KindSnapshotWanted {
					return
				}
				what, _, _ := decodeSnapshot(payload)
				time.AfterFunc(snapshotPatience-time.Second, func() {
					body, _ := k.body(asked{from, what})
					s.send(from, p2p.KindSnapshotFound, what.encode(body))
				})
			},
		}
		w.joinsBeside(s)
		began := time.Now()
		w.await(45, 3)
		if took := time.Since(began); took > 3*snapshotPatience {
			t.Errorf("it took %v to catch up", took)
		}
		w.checkAlike(0, 3)
		quiet(snapshotPatience) // the last late answer is under way
	})
}

// Handovers that come with an offer nobody vouches for do not keep a node from
// another's older snapshot, real as they are.
func TestHandoversOfUnsoundOfferAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 48, 0, nil)
		hist := w.nodes[0].history
		k := newKeeper(hist, w.nodes[2].links, slog.New(slog.DiscardHandler))
		w.joinsBeside(offering(&peerStatus{Height: 48, Oldest: 48, Snapshot: 47}, func(what snapshotWanted) []byte {
			if what.Piece == pieceHandovers {
				body, err := k.handovers(what.At, what.Index)
				if err != nil {
					t.Error(err)
				}
				return body
			}
			block, _, err := readBlock(hist.store, 47)
			if err != nil {
				t.Error(err)
			}
			next, certificate, err := readBlock(hist.store, 48)
			if err != nil {
				t.Error(err)
			}
			copy(next.Header.State[:], bytes.Repeat([]byte{7}, len(types.Hash{})))
			return encodeOffer(&block.Header, &next.Header, certificate.Encode(), append([]byte{0}, next.Header.State[:]...))
		}))
		w.cut(3, 2, true)
		w.await(48, 3)
		w.checkAlike(0, 3)
	})
}

// A node that keeps all blocks waits for a peer that has been slow, and for one
// that is away, before it lets go of its own.
func TestArchiveWaitsForBlocks(t *testing.T) {
	for name, away := range map[string]bool{"slow": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := forgetful(t, 5, 0, map[int]uint64{2: 0, 3: 0})
				w.start(3)
				w.await(5, 3)
				w.grow(3, 0, 1, 2, 3)
				w.stop(3)
				w.growTo(45)
				slow := !away
				w.nodes[2].links.losing(func(to *testNode, kind p2p.Kind, _ []byte) bool {
					return slow && to == w.nodes[3] && kind == p2p.KindBlocksFound
				})
				w.cut(3, 2, away)
				w.start(3)
				quiet(archivePatience / 2)
				n := w.nodes[3]
				if n.Head() != 8 || n.log.count("this node keeps all blocks, and a peer that is away or slow may have those it needs: it waits for them, so as not to go on from a snapshot without them") == 0 {
					t.Errorf("it is at height %d, or says nothing of why", n.Head())
				}
				slow = false
				w.cut(3, 2, false)
				w.await(45, 3)
				if oldest := n.Oldest(); oldest != 1 {
					t.Errorf("it has blocks from %d on", oldest)
				}
			})
		})
	}
}

// Where the only one that has the blocks does not come back, a node that keeps
// all goes on in the end.
func TestArchiveWaitsNotForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 5, 0, map[int]uint64{2: 0, 3: 0})
		w.start(3)
		w.await(5, 3)
		w.stop(3)
		w.growTo(45)
		w.cut(3, 2, true)
		w.start(3)
		quiet(archivePatience)
		w.await(45, 3)
		w.checkAlike(0, 3)
	})
}

// Each time that a peer's snapshot is of no use it is left alone for longer, with
// an end.
func TestSnapshotDoubtsGrow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, peer := snapshotDoubts{}, seed("v0").Public()
		for _, minutes := range []int{1, 2, 4, 8, 16, 16, 16} {
			d.add(peer)
			quiet(time.Duration(minutes)*time.Minute - time.Second)
			if !d.about(peer) {
				t.Errorf("it is not doubted for %d minutes", minutes)
			}
			quiet(time.Second)
			if d.about(peer) {
				t.Errorf("it is doubted for more than %d minutes", minutes)
			}
		}
	})
}

// stagedCount counts what is staged.
type stagedCount struct {
	storage.Store
	entries int
}

func (s *stagedCount) Stage(entries ...storage.Change) error {
	s.entries += len(entries)
	return s.Store.Stage(entries...)
}

func (s *stagedCount) Unstage() error {
	s.entries = 0
	return s.Store.Unstage()
}

// What was staged and is needed no more goes, where blocks were faster and where
// the process was stopped.
func TestStagedStateGoes(t *testing.T) {
	for name, stop := range map[string]bool{"stopped": true, "blocks were faster": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := forgetful(t, 45, 30_000, map[int]uint64{1: 0})
				for _, i := range []int{0, 2} {
					w.nodes[i].links.losing(func(_ *testNode, kind p2p.Kind, payload []byte) bool {
						what, _, _ := decodeSnapshot(payload)
						return kind == p2p.KindSnapshotFound && what.Piece == piecePart && what.Index > 0
					})
				}
				w.cut(3, 1, true)
				staged := &stagedCount{Store: w.nodes[3].data.Store}
				w.nodes[3].data.Store = staged
				w.start(3)
				quiet(lackPatience + time.Second)
				if staged.entries == 0 {
					t.Fatal("nothing was staged")
				}
				if stop {
					w.stop(3)
					w.partition([]int{3}, []int{0, 2}, true)
					w.start(3)
				} else {
					w.nodes[1].links.losing(func(_ *testNode, kind p2p.Kind, _ []byte) bool { return kind == p2p.KindSnapshotFound })
					w.cut(3, 1, false)
					w.await(45, 3)
				}
				quiet(time.Second)
				if staged.entries != 0 {
					t.Errorf("%d entries are staged still", staged.entries)
				}
			})
		})
	}
}

// A node that has gone on from a snapshot lets go of its own older ones and tells of
// none, and takes another at the next block, however short a time ago the last was.
func TestOwnOldSnapshotsGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 15, 0, nil)
		w.start(3)
		w.await(15, 3)
		w.growTo(25)
		n := w.nodes[3]
		quiet(time.Second)
		if len(n.keeper.list) == 0 {
			t.Fatal("it has no snapshot")
		}
		if err := n.query(t.Context(), func() { n.keeper.restart(100) }); err != nil {
			t.Fatal(err)
		}
		quiet(0)
		if k := n.keeper; len(k.list) > 0 || k.newest.Load() > 0 || k.oldest.Load() > 0 {
			t.Errorf("it has %d snapshots, from %d to %d", len(k.list), k.oldest.Load(), k.newest.Load())
		}
		n.keeper.floor.Store(0)
		w.grow(1, 0, 1, 2, 3)
		quiet(0)
		if newest := n.keeper.newest.Load(); newest != 25 {
			t.Errorf("its newest snapshot is of height %d, and it has block 26", newest)
		}
	})
}
