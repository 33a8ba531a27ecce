package engine

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
)

// behind makes a network in which node 3 lacks so many blocks, and a script has
// node 2's place. Node 3 is not started.
func behind(t *testing.T, blocks int, s *script) *network {
	t.Helper()
	w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
	w.grow(1, 0, 1, 2, 3)
	w.stop(3)
	w.grow(blocks-1, 0, 1, 2)
	w.stop(2)
	w.play(2, s)
	return w
}

// claim tells whoever links up of a height.
func claim(height uint64) func(*script, types.PublicKey) {
	return func(s *script, peer types.PublicKey) {
		s.send(peer, p2p.KindStatus, (&peerStatus{Height: height}).encode())
	}
}

// A peer that tells of blocks and gives none, or rubbish, holds nobody up for
// long, and is not asked without end.
func TestFetchFromLiars(t *testing.T) {
	forged := func(s *script) []byte {
		block, cert, _ := s.node.data.Store.Block(2)
		c, _ := types.DecodeCertificate(cert)
		c.Signatures[0].Signature[0]++
		return encodeBlocks([][2][]byte{{block, c.Encode()}})
	}
	fork := func(s *script) []byte { // of another chain of the same validators
		p, _ := testProposal(2, 0, "fork")
		b := &types.Block{Header: p.Header}
		b.Header.Records, b.Header.RecordsRoot = 0, types.MerkleRoot(nil)
		cert := types.Certificate{Height: 2, Block: b.Header.Hash()}
		key := s.node.keys.Sign
		cert.Signatures = []types.CertificateSignature{{Validator: key.Public(), Signature: key.Sign(types.VoteSignBytes(s.node.network.genesis.Network(), types.Precommit, 2, 0, cert.Block))}}
		return encodeBlocks([][2][]byte{{b.Encode(), cert.Encode()}})
	}
	mixed := func(s *script) []byte {
		block, _, _ := s.node.data.Store.Block(2)
		_, cert, _ := s.node.data.Store.Block(3)
		return encodeBlocks([][2][]byte{{block, cert}})
	}
	altered := func(s *script) []byte { // another block with the certificate of the right one
		raw, cert, _ := s.node.data.Store.Block(2)
		b, _ := types.DecodeBlock(raw)
		b.Header.Time++
		return encodeBlocks([][2][]byte{{b.Encode(), cert}})
	}
	for name, answer := range map[string]func(*script) []byte{
		"silence":              nil,
		"nothing":              func(*script) []byte { return encodeBlocks(nil) },
		"rubbish":              func(*script) []byte { return []byte("rubbish") },
		"a forged certificate": forged,
		"another fork":         fork,
		"another's":            mixed,
		"another block":        altered,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var asked atomic.Int64
				liar := &script{linkUp: claim(maxHeight), message: func(s *script, from types.PublicKey, kind p2p.Kind, _ []byte) {
					if kind == p2p.KindBlocksWanted {
						if asked.Add(1) > 0 && answer != nil {
							s.send(from, p2p.KindBlocksFound, answer(s))
						}
					}
				}}
				w := behind(t, 300, liar)
				w.partition([]int{3}, []int{0, 1}, true)
				w.start(3)
				quiet(time.Second)
				if head := w.nodes[3].Head(); head != 1 {
					t.Errorf("it took block %d from the liar", head)
				}
				w.partition([]int{3}, []int{0, 1}, false)
				began := time.Now()
				w.await(300, 3)
				if took := time.Since(began); took > fetchPatience+2*time.Second {
					t.Errorf("it took %v to catch up", took)
				}
				w.grow(1, 0, 1, 3)
				asked.Store(0)
				quiet(time.Minute)
				if s := w.status(3); !s.Ready {
					t.Errorf("it is not ready: %s", s.NotReady)
				}
				if most := int(time.Minute/doubtPause) + 1; int(asked.Load()) > most*3 {
					t.Errorf("the liar was asked %d times in a minute by three nodes", asked.Load())
				}
				w.grow(1, 3, 0, 1)
			})
		})
	}
}

// What nobody asked for is not even looked at.
func TestUnaskedAnswersAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := behind(t, 5, &script{})
		s := w.nodes[2].live.Load().Handler.(*script)
		block, cert, err := w.nodes[0].data.Store.Block(2)
		if err != nil {
			t.Fatal(err)
		}
		w.partition([]int{3}, []int{0, 1}, true)
		w.start(3)
		s.send(w.nodes[3].key(), p2p.KindBlocksFound, encodeBlocks([][2][]byte{{block, cert}}))
		s.send(w.nodes[3].key(), p2p.KindRecordsFound, encodeFound(types.Hash{1}, []*types.Record{testRecord("a")}))
		quiet(time.Second)
		if head := w.nodes[3].Head(); head != 1 {
			t.Errorf("an answer that was not asked for was used: height %d", head)
		}
		if n := w.nodes[3].log.count("a message is not sound"); n != 1 { // the records might have been an honest answer, late
			t.Errorf("%d complaints", n)
		}
		w.partition([]int{3}, []int{0, 1}, false)
		w.await(5, 3)
	})
}

// Who is asked and goes away is not waited for.
func TestFetchGoesOnWhenThePeerIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := behind(t, 50, &script{linkUp: claim(50)})
		w.partition([]int{3}, []int{0, 1}, true)
		w.start(3)
		quiet(500 * time.Millisecond) // the script was asked and is silent
		w.partition([]int{3}, []int{0, 1}, false)
		began := time.Now()
		w.stop(2)
		w.await(50, 3)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A node that never sees proposals learns of each decision by the votes, and
// fetches the block, though no peer has told of it yet.
func TestDecidedBlockIsFetched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		for _, n := range w.nodes[:3] {
			n.links.losing(func(to *testNode, kind p2p.Kind, _ []byte) bool {
				return to.index == 3 && kind != p2p.KindVote && kind != p2p.KindBlocksFound
			})
		}
		for range 5 {
			began := time.Now()
			w.mint(0, open(t, 1), 1)
			w.await(w.nodes[3].Head()+1, 0, 1, 2, 3)
			if took := time.Since(began); took > time.Second {
				t.Errorf("a block took %v", took)
			}
		}
		if n := w.nodes[3].links.count(p2p.KindBlocksWanted); n > 50 {
			t.Errorf("it asked %d times for five blocks", n)
		}
	})
}

// A node that missed all of a height hears of it from what is said at the next one,
// and has the block sooner than anybody repeats what it missed.
func TestMissedHeightIsFetchedSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(5, 0, 1, 2, 3)
		for range 20 {
			for _, n := range w.nodes[:3] {
				n.links.losing(func(to *testNode, _ p2p.Kind, _ []byte) bool { return to.index == 3 })
			}
			missed := w.nodes[0].Head() + 1
			w.grow(1, 0, 1, 2)
			for _, n := range w.nodes[:3] {
				n.links.losing(nil)
			}
			began := time.Now()
			w.mint(0, open(t, 1), 1)
			w.await(missed, 3)
			if took := time.Since(began); took > 2*fetchSoon {
				t.Fatalf("height %d: it took %v", missed, took)
			}
			w.await(missed+1, 0, 1, 2, 3)
		}
	})
}

// With nobody who has the block of a certificate, it is asked for at a walk.
func TestUndecidedDoesNotSpin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		for _, n := range w.nodes[:3] {
			n.links.losing(func(to *testNode, kind p2p.Kind, _ []byte) bool { return to.index == 3 && kind != p2p.KindVote })
		}
		w.grow(1, 0, 1, 2)
		for i := range 3 { // from now on nobody has it
			w.stop(i)
			w.nodes[i].links.losing(nil)
			w.play(i, &script{message: func(s *script, from types.PublicKey, kind p2p.Kind, _ []byte) {
				if kind == p2p.KindBlocksWanted {
					s.send(from, p2p.KindBlocksFound, encodeBlocks(nil))
				}
			}})
		}
		before := w.nodes[3].links.count(p2p.KindBlocksWanted)
		quiet(10 * time.Second)
		asked := w.nodes[3].links.count(p2p.KindBlocksWanted) - before
		if asked < 10 || asked > 2*int(10*time.Second/fetchSoon) {
			t.Errorf("it asked %d times in ten seconds", asked)
		}
	})
}

// A certified block that does not follow upon the node's own chain ends it: it
// could only contradict the others from then on.
func TestDivergedNodeDies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
		w.grow(2, 0, 1, 2, 3)
		w.stop(3)
		w.grow(5, 0, 1, 2)
		n := w.nodes[3]
		if err := n.make(); err != nil {
			t.Fatal(err)
		}
		trial := n.chain.state.Begin(3, n.key(), n.key()) // its state is not that of the others
		delta, err := trial.Finish([64]byte{})
		if err == nil {
			n.chain.state.Commit(delta)
		}
		n.chain.head.Height = 2
		n.Run()
		w.linkUp(n, n.Engine)
		<-n.Dead()
		if err := n.Err().Error(); !strings.Contains(err, "does not follow upon the chain of this node") {
			t.Errorf("it died of %v", err)
		}
	})
}

// Thousands of blocks are caught up with while the chain goes on.
func TestCatchUpWhileTheChainGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25, 25}, func(_ *genesis.Genesis, configs []*config.Config) {
			for _, c := range configs {
				c.Builder.When = "idle >= duration('1ms')"
			}
		})
		w.await(1, 3)
		w.stop(3)
		w.await(1500, 0)
		w.start(3)
		w.until("it is caught up and votes", func() bool {
			s := w.status(3)
			return s.Height > 1500 && s.Height+2 >= w.nodes[0].Head() && s.Ready
		})
		w.stop(2) // now it is needed
		w.await(w.nodes[0].Head()+50, 0, 1, 3)
	})
}

// While one answer is applied the next is on its way, and no more than that: a
// peer that sends faster than blocks are applied fills no memory.
func TestFetchAsksAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := behind(t, 3*maxBlocksPerAnswer+10, &script{})
		w.partition([]int{3}, []int{0, 1}, true)
		w.start(3)
		n := w.nodes[3]
		hold, held := make(chan struct{}), make(chan struct{})
		n.call(func() { close(held); <-hold }) // the main loop is busy meanwhile
		<-held
		w.partition([]int{3}, []int{0}, false)
		quiet(time.Second)
		if asked := n.links.count(p2p.KindBlocksWanted); asked != 0 {
			t.Errorf("it asked %d times while its main loop stood still", asked)
		}
		close(hold)
		w.await(3*maxBlocksPerAnswer+10, 3)
		quiet(0)
		if asked := n.links.count(p2p.KindBlocksWanted); asked > 6 {
			t.Errorf("it asked %d times for four answers", asked)
		}
		if f := &n.fetch; f.pending != 0 || !f.asked.IsZero() {
			t.Errorf("it is caught up, and %d answers wait, asked since %v", f.pending, f.asked)
		}
	})
}

// With fetched blocks that wait, the next answer is not asked for.
func TestFetchAheadIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := prepareNetwork(t, []uint64{1, 1}, nil)
		w.start(0)
		e, peer := w.nodes[0].Engine, w.nodes[1].key()
		w.play(1, &script{})
		quiet(time.Second)
		if err := e.query(t.Context(), func() {
			e.peers.set(peer, &peerStatus{Height: 1000})
			e.fetch.ask(e, peer, 1)
			for answer := uint64(1); answer <= 3; answer++ {
				e.fetch.came(e, peer, 10*answer)
				if asking := !e.fetch.asked.IsZero(); asking != (answer <= maxPending) {
					t.Errorf("with %d answers waiting it asks: %v", answer, asking)
				}
			}
			e.fetch.pending, e.fetch.asked = 0, time.Time{}
			e.peers.set(peer, &peerStatus{})
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Of an answer that is wrong in the middle, the sound part is used.
func TestSoundPartOfAnAnswerIsUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		liar := &script{linkUp: claim(100), message: func(s *script, from types.PublicKey, kind p2p.Kind, _ []byte) {
			if kind != p2p.KindBlocksWanted {
				return
			}
			var pairs [][2][]byte
			for height := uint64(2); height <= 6; height++ {
				block, cert, _ := s.node.data.Store.Block(height)
				if height == 5 {
					_, cert, _ = s.node.data.Store.Block(4)
				}
				pairs = append(pairs, [2][]byte{block, cert})
			}
			s.send(from, p2p.KindBlocksFound, encodeBlocks(pairs))
		}}
		w := behind(t, 100, liar)
		w.partition([]int{3}, []int{0, 1}, true)
		w.start(3)
		quiet(time.Second)
		if head := w.nodes[3].Head(); head != 4 {
			t.Errorf("it is at height %d, and four blocks were sound", head)
		}
		w.partition([]int{3}, []int{0, 1}, false)
		w.await(100, 3)
	})
}
