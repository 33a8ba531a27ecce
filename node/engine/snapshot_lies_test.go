package engine

import (
	"bytes"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// liar is a peer that answers questions about its snapshot with what lie makes of
// the right answer; nil is none.
type liar struct {
	mu     sync.Mutex // the keeper is made for one goroutine, and several links ask
	keeper *keeper
	lie    func(w *network, what snapshotWanted, body []byte) []byte
	asked  atomic.Int64
}

func (l *liar) script() *script {
	return &script{
		linkUp: func(s *script, peer types.PublicKey) {
			s.send(peer, p2p.KindStatus, (&peerStatus{Height: maxHeight, Oldest: maxHeight, Snapshot: maxHeight}).encode())
		},
		message: func(s *script, from types.PublicKey, kind p2p.Kind, payload []byte) {
			if kind != p2p.KindSnapshotWanted {
				return
			}
			l.asked.Add(1)
			what, _, _ := decodeSnapshot(payload)
			l.mu.Lock()
			body, err := l.keeper.body(asked{from, what})
			l.mu.Unlock()
			if err != nil {
				s.node.network.t.Error(err)
			}
			if body = l.lie(s.node.network, what, body); body != nil {
				s.send(from, p2p.KindSnapshotFound, what.encode(body))
			}
		},
	}
}

// reoffer is an offer with something changed.
func reoffer(body []byte, change func(header, next *types.Header, certificate *types.Certificate, outline []byte) []byte) []byte {
	o, err := decodeOffer(body)
	if err != nil {
		panic(err)
	}
	d := types.NewDecoder(body)
	d.Bytes(len(body))
	d.Bytes(len(body))
	outline := bytes.Clone(d.Bytes(len(body)))
	outline = change(o.header, o.next, o.certificate, outline)
	return encodeOffer(o.header, o.next, o.certificate.Encode(), outline)
}

// lies are what a peer may say about a snapshot.
var lies = map[string]func(w *network, what snapshotWanted, body []byte) []byte{
	"silence":                 func(*network, snapshotWanted, []byte) []byte { return nil },
	"nothing":                 func(*network, snapshotWanted, []byte) []byte { return []byte{} },
	"rubbish":                 func(*network, snapshotWanted, []byte) []byte { return []byte("rubbish") },
	"a short answer":          func(_ *network, _ snapshotWanted, body []byte) []byte { return body[:len(body)-1] },
	"a long answer":           func(_ *network, _ snapshotWanted, body []byte) []byte { return append(bytes.Clone(body), 0) },
	"silence after the offer": inPart(func(*network, snapshotWanted, []byte) []byte { return nil }),
	"a balance in a part": inPart(func(_ *network, _ snapshotWanted, body []byte) []byte {
		body = bytes.Clone(body)
		body[len(body)-1] ^= 1
		return body
	}),
	"an entry too few": inPart(entries(func(list []ledger.Change) []ledger.Change { return list[1:] })),
	"an entry twice":   inPart(entries(func(list []ledger.Change) []ledger.Change { return append(list, list[0]) })),
	"no entries":       inPart(entries(func([]ledger.Change) []ledger.Change { return nil })),
	"an entry too many": inPart(entries(func(list []ledger.Change) []ledger.Change {
		return append(list, ledger.Change{Key: []byte("a"), Value: []byte("b")})
	})),
	"another outline": inOffer(func(_, _ *types.Header, _ *types.Certificate, outline []byte) []byte {
		outline[len(outline)-1] ^= 1
		return outline
	}),
	"another state": inOffer(func(_, next *types.Header, _ *types.Certificate, outline []byte) []byte {
		outline[len(outline)-1] ^= 1
		o, _ := ledger.DecodeOutline(outline)
		next.State = o.Root()
		return outline
	}),
	"another state, certified by the liar": inOffer(func(_, next *types.Header, c *types.Certificate, outline []byte) []byte {
		outline[len(outline)-1] ^= 1
		o, _ := ledger.DecodeOutline(outline)
		next.State = o.Root()
		recertify(next, c, "v2")
		return outline
	}),
	"a certificate of too little stake": inOffer(func(_, next *types.Header, c *types.Certificate, outline []byte) []byte {
		recertify(next, c, "v2", "v3")
		return outline
	}),
	"a certificate that names one twice": inOffer(func(_, next *types.Header, c *types.Certificate, outline []byte) []byte {
		recertify(next, c, "v2", "v2", "v2")
		return outline
	}),
	"validators of its own": inOffer(func(_, next *types.Header, c *types.Certificate, outline []byte) []byte {
		set, _ := types.NewValidatorSet([]types.Validator{{Name: "v2", Key: seed("v2").Public(), Stake: 1}})
		next.Validators = set.Hash()
		recertify(next, c, "v2")
		return outline
	}),
	"another block before": inOffer(func(header, _ *types.Header, _ *types.Certificate, outline []byte) []byte {
		header.Time++
		return outline
	}),
	"another network": inOffer(func(_, next *types.Header, c *types.Certificate, outline []byte) []byte {
		next.Network = types.SumHash([]byte("another"))
		recertify(next, c, "v0", "v1", "v2")
		return outline
	}),
	"an old height": func(w *network, what snapshotWanted, body []byte) []byte { return reheight(what, body, 0) },
	"a handover nobody signed": inHandovers(func(list []heights.Handover) []heights.Handover {
		list[0].Certificate.Signatures[0].Signature[0] ^= 1
		return list
	}),
	"a handover to the liar": inHandovers(func(list []heights.Handover) []heights.Handover {
		list[0].Set, _ = types.NewValidatorSet([]types.Validator{{Name: "v2", Key: seed("v2").Public(), Stake: 1}})
		return list
	}),
	"a handover missing": inHandovers(func(list []heights.Handover) []heights.Handover { return list[1:] }),
	"no handovers":       inHandovers(func([]heights.Handover) []heights.Handover { return nil }),
	"handovers twice":    inHandovers(func(list []heights.Handover) []heights.Handover { return append(list, list...) }),
	"later handovers": inHandovers(func(list []heights.Handover) []heights.Handover {
		list[0].Header.Height = 1000
		return list
	}),
}

// inPart lies about parts only, inOffer about the offer, and inHandovers about
// the handovers.
func inPart(lie func(w *network, what snapshotWanted, body []byte) []byte) func(*network, snapshotWanted, []byte) []byte {
	return func(w *network, what snapshotWanted, body []byte) []byte {
		if what.Piece != piecePart {
			return body
		}
		return lie(w, what, body)
	}
}

func entries(change func([]ledger.Change) []ledger.Change) func(*network, snapshotWanted, []byte) []byte {
	return func(_ *network, _ snapshotWanted, body []byte) []byte {
		list, _ := decodeEntries(body)
		return encodeEntries(change(list))
	}
}

func inOffer(change func(header, next *types.Header, c *types.Certificate, outline []byte) []byte) func(*network, snapshotWanted, []byte) []byte {
	return func(_ *network, what snapshotWanted, body []byte) []byte {
		if what.Piece != pieceOffer {
			return body
		}
		return reoffer(body, change)
	}
}

func inHandovers(change func([]heights.Handover) []heights.Handover) func(*network, snapshotWanted, []byte) []byte {
	return func(_ *network, what snapshotWanted, body []byte) []byte {
		if what.Piece != pieceHandovers {
			return body
		}
		list, _ := decodeHandovers(body)
		if len(list) == 0 {
			return body
		}
		return encodeHandovers(change(list))
	}
}

// reheight is an offer of another height.
func reheight(what snapshotWanted, body []byte, height uint64) []byte {
	if what.Piece != pieceOffer {
		return body
	}
	return reoffer(body, func(header, next *types.Header, c *types.Certificate, outline []byte) []byte {
		header.Height, next.Height = height, height+1
		next.Prev = header.Hash()
		recertify(next, c, "v0", "v1", "v2")
		return outline
	})
}

// recertify has validators sign a header.
func recertify(h *types.Header, c *types.Certificate, names ...string) {
	*c = types.Certificate{Height: h.Height, Block: h.Hash()}
	message := types.VoteSignBytes(h.Network, types.Precommit, c.Height, c.Round, c.Block)
	for _, name := range names {
		key := forge.Key(name)
		c.Signatures = append(c.Signatures, types.CertificateSignature{Validator: key.Public(), Signature: key.Sign(message)})
	}
}

// A peer that lies about its snapshot is not believed: the node acts on nothing
// of it, and goes on with another peer's.
func TestSnapshotOfLiars(t *testing.T) {
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := forgetful(t, 20, 0, map[int]uint64{3: 5})
				view, err := w.nodes[2].data.Store.View()
				if err != nil {
					t.Fatal(err)
				}
				w.growTo(23)
				w.stop(2)
				l := &liar{keeper: newKeeper(w.nodes[0].history, w.nodes[2].links, slog.New(slog.DiscardHandler)), lie: lie}
				l.keeper.add(&kept{height: 19, view: view}) // a height late, as it is stored
				w.play(2, l.script())
				w.partition([]int{3}, []int{0, 1}, true)
				w.start(3)
				quiet(2 * snapshotPatience)
				if n := w.nodes[3]; n.Head() != 0 || n.Oldest() != 1 || n.chain.state.Height() != 0 || l.asked.Load() == 0 {
					t.Fatalf("it is at height %d, with blocks from %d on, after %d questions", n.Head(), n.Oldest(), l.asked.Load())
				}
				w.partition([]int{3}, []int{0, 1}, false)
				began := time.Now()
				w.await(23, 3)
				if took := time.Since(began); took > snapshotPatience+fetchPatience {
					t.Errorf("it took %v to catch up", took)
				}
				w.checkAlike(0, 3)
				l.asked.Store(0)
				quiet(time.Minute)
				if asked := l.asked.Load(); asked > 100 {
					t.Errorf("the liar was asked %d times in a minute", asked)
				}
			})
		})
	}
}
