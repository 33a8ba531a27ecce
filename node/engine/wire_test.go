package engine

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

func drawHash(rt *rapid.T, label string) (h types.Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, label))
	return h
}

func TestWireRoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		same := func(what string, raw []byte, again func([]byte) ([]byte, error)) {
			if out, err := again(raw); err != nil || !bytes.Equal(out, raw) {
				rt.Fatalf("%s: %x became %x, %v", what, raw, out, err)
			}
			if _, err := again(append(bytes.Clone(raw), 0)); err == nil {
				rt.Fatalf("%s: a byte too many is taken", what)
			}
			if cut := rapid.IntRange(0, len(raw)-1).Draw(rt, "cut"); true {
				if _, err := again(raw[:cut]); err == nil {
					rt.Fatalf("%s: cut at byte %d it is taken", what, cut)
				}
			}
		}
		w := &wanted{Block: drawHash(rt, "block")}
		for range rapid.IntRange(0, 5).Draw(rt, "ids") {
			w.IDs = append(w.IDs, drawHash(rt, "id"))
		}
		same("wanted", w.encode(), rewriteWanted)
		var records []*types.Record
		for i := range rapid.IntRange(0, 3).Draw(rt, "records") {
			records = append(records, testRecord(string(rune('a'+i))))
		}
		same("found", encodeFound(drawHash(rt, "block"), records), rewriteFound)
		same("blocksWanted", encodeBlocksWanted(rapid.Uint64().Draw(rt, "from")), rewriteBlocksWanted)
		same("status", (&peerStatus{
			Height: rapid.Uint64Range(0, maxHeight).Draw(rt, "height"), Hash: drawHash(rt, "hash"),
			Oldest: rapid.Uint64Range(0, maxHeight).Draw(rt, "oldest"), Snapshot: rapid.Uint64Range(0, maxHeight).Draw(rt, "snapshot"),
		}).encode(), rewriteStatus)
		info := heights.Info{
			Seed: [32]byte(drawHash(rt, "seed")), Participants: drawHash(rt, "list"), Round: rapid.Uint32().Draw(rt, "round"),
			Winner: types.PublicKey(drawHash(rt, "winner")), Proposer: types.PublicKey(drawHash(rt, "proposer")), Hash: drawHash(rt, "hash"),
			Time: types.Time(rapid.Int64().Draw(rt, "time")), Records: rapid.Uint32().Draw(rt, "records"), Total: rapid.Uint64().Draw(rt, "total"),
		}
		same("height info", info.Encode(), rewriteInfo)
		var list []ledger.Participant
		for range rapid.IntRange(0, 4).Draw(rt, "participants") {
			p := ledger.Participant{ID: types.PublicKey(drawHash(rt, "id")), Weight: rapid.Uint64().Draw(rt, "weight"), Host: types.PublicKey(drawHash(rt, "host"))}
			list = append(list, p)
		}
		same("participants", heights.EncodeParticipants(list), rewriteParticipants)
		same("blocks", testBlocks(t, rapid.IntRange(0, 3).Draw(rt, "blocks")), rewriteBlocks)
	})
}

// testBlocks encodes some blocks with certificates.
func testBlocks(t testing.TB, count int) []byte {
	var pairs [][2][]byte
	for i := range count {
		p, records := testProposal(uint64(i+1), 0, "block")
		cert := types.Certificate{Height: uint64(i + 1), Block: p.Block(), Signatures: []types.CertificateSignature{{Validator: seed("v").Public()}}}
		pairs = append(pairs, [2][]byte{(&types.Block{Header: p.Header, Records: records}).Encode(), cert.Encode()})
	}
	return encodeBlocks(pairs)
}

// The rewriters decode and encode again.

func rewriteWanted(raw []byte) ([]byte, error) {
	w, err := decodeWanted(raw)
	if err != nil {
		return nil, err
	}
	return w.encode(), nil
}

func rewriteFound(raw []byte) ([]byte, error) {
	block, records, err := decodeFound(raw)
	return encodeFound(block, records), err
}

func rewriteBlocksWanted(raw []byte) ([]byte, error) {
	from, err := decodeBlocksWanted(raw)
	return encodeBlocksWanted(from), err
}

func rewriteStatus(raw []byte) ([]byte, error) {
	s, err := decodePeerStatus(raw)
	return s.encode(), err
}

func rewriteInfo(raw []byte) ([]byte, error) {
	i, err := heights.DecodeInfo(raw)
	return i.Encode(), err
}

func rewriteParticipants(raw []byte) ([]byte, error) {
	list, err := heights.DecodeParticipants(raw)
	return heights.EncodeParticipants(list), err
}

func rewriteBlocks(raw []byte) ([]byte, error) {
	list, err := decodeBlocks(raw)
	var pairs [][2][]byte
	for _, c := range list {
		pairs = append(pairs, [2][]byte{c.Block.Encode(), c.Certificate.Encode()})
	}
	return encodeBlocks(pairs), err
}

func rewriteContent(raw []byte) ([]byte, error) {
	c, err := decodeContent(raw)
	if err != nil {
		return nil, err
	}
	return c.encode(), nil
}

var rewriters = []func([]byte) ([]byte, error){
	rewriteWanted, rewriteFound, rewriteBlocksWanted, rewriteStatus, rewriteInfo, rewriteParticipants, rewriteBlocks, rewriteContent,
	rewriteSnapshot, rewriteOffer, rewriteHandovers, rewriteEntries,
}

func rewriteSnapshot(raw []byte) ([]byte, error) {
	w, body, err := decodeSnapshot(raw)
	return w.encode(body), err
}

// rewriteOffer leaves the outline as it is: it is fuzzed where it is read.
func rewriteOffer(raw []byte) ([]byte, error) {
	o, err := decodeOffer(raw)
	if err != nil {
		return nil, err
	}
	head := encodeOffer(o.header, o.next, o.certificate.Encode(), nil)
	outline := raw[min(len(head), len(raw)):]
	return encodeOffer(o.header, o.next, o.certificate.Encode(), outline), nil
}

func rewriteHandovers(raw []byte) ([]byte, error) {
	list, err := decodeHandovers(raw)
	if err != nil {
		return nil, err
	}
	return encodeHandovers(list), nil
}

func rewriteEntries(raw []byte) ([]byte, error) {
	list, err := decodeEntries(raw)
	return encodeEntries(list), err
}

// testHandovers encodes a handover to two validators.
func testHandovers(t testing.TB) []byte {
	set, err := types.NewValidatorSet([]types.Validator{
		{Name: "a", Key: seed("a").Public(), VRFKey: seed("c").Public(), Stake: 1}, {Name: "b", Key: seed("b").Public(), VRFKey: seed("d").Public(), Stake: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return encodeHandovers([]heights.Handover{{Header: &types.Header{Height: 3, NextValidators: set.Hash()}, Certificate: &types.Certificate{Height: 3}, Set: set}})
}

// testOffer is an offer whose parts belong together, but for the certificate.
func testOffer() []byte {
	outline := append([]byte{0}, make([]byte, 32)...)
	header := types.Header{Height: 4}
	next := types.Header{Height: 5, Prev: header.Hash()}
	cert := types.Certificate{Height: 5, Block: next.Hash()}
	return encodeOffer(&header, &next, cert.Encode(), outline)
}

// FuzzDecoders checks that whatever a decoder takes has one encoding only, and
// that nothing makes one panic, or take more memory than the bytes warrant.
func FuzzDecoders(f *testing.F) {
	p, records := testProposal(7, 3, "p")
	for kind, raw := range [][]byte{
		(&wanted{IDs: make([]types.Hash, 3)}).encode(), encodeFound(types.Hash{}, records), encodeBlocksWanted(5), (&peerStatus{Height: 5}).encode(),
		(&heights.Info{}).Encode(), heights.EncodeParticipants(make([]ledger.Participant, 2)), testBlocks(f, 2), testLock(f, p, records).encode(),
		(&snapshotWanted{piecePart, 5, 1}).encode([]byte("body")), testOffer(), testHandovers(f), encodeEntries([]ledger.Change{{Key: []byte("k"), Value: []byte("v")}}),
	} {
		f.Add(uint8(kind), raw)
		f.Add(uint8(kind), raw[:len(raw)/2])
	}
	f.Add(uint8(0), bytes.Repeat([]byte{0xff}, 64)) // counts that lie
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		var out []byte
		var err error
		fuzzed.Memory(t, len(raw), func() { out, err = rewriters[int(kind)%len(rewriters)](raw) })
		fuzzed.Sentence(t, err)
		if err == nil && !bytes.Equal(out, raw) {
			t.Errorf("%x is the same as %x", raw, out)
		}
	})
}

// FuzzSignEntry reads back arbitrary entries of a sign log that is whole: what is
// read speaks for one slot only.
func FuzzSignEntry(f *testing.F) {
	p, records := testProposal(7, 3, "p")
	f.Add(entryProposal, p.Encode())
	f.Add(entryPrevote, (&types.Vote{Kind: types.Prevote, Height: 7, Round: 3}).Encode())
	f.Add(entryPrecommit, (&types.Vote{Kind: types.Precommit, Height: 7}).Encode())
	f.Add(entryContent, testLock(f, p, records).encode())
	f.Add(uint8(200), []byte{})
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		s := &signer{slots: map[slot]spoken{}, kept: map[types.Hash]*content{}}
		entry := storage.SignEntry{Height: 7, Round: 3, Kind: kind, Data: raw}
		var err error
		fuzzed.Memory(t, len(raw), func() { err = s.readBack(entry) })
		fuzzed.Sentence(t, err)
		if err == nil && len(s.slots)+len(s.kept) != 1 {
			t.Errorf("kind %d, %x: %d slots and %d blocks", kind, raw, len(s.slots), len(s.kept))
		}
		if err == nil {
			s.earlier = []storage.SignEntry{entry}
			s.replay(7)
		}
	})
}

// Whatever comes on a link, the node goes on.
func FuzzMessage(f *testing.F) {
	f.Add(uint8(1), []byte("rubbish"))
	p, _ := testProposal(1, 0, "p")
	f.Add(uint8(1), p.Encode())
	f.Add(uint8(2), (&types.Vote{Kind: types.Prevote, Height: 1}).Encode())
	f.Add(uint8(10), testBlocks(f, 1))
	f.Add(uint8(7), (&wanted{IDs: make([]types.Hash, 3)}).encode())
	f.Add(uint8(p2p.KindSnapshotWanted), (&snapshotWanted{pieceOffer, 0, 0}).encode(nil))
	f.Add(uint8(p2p.KindSnapshotWanted), (&snapshotWanted{piecePart, 1, 1 << 60}).encode(nil))
	f.Add(uint8(p2p.KindSnapshotFound), (&snapshotWanted{pieceOffer, 0, 0}).encode(testOffer()))
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		bubble(t, func(t *testing.T) {
			w := newNetwork(t, []uint64{25, 25, 25, 25}, nil)
			w.nodes[0].Message(w.nodes[1].key(), p2p.Kind(kind%uint8(p2p.KindSnapshotFound+2)), raw)
			quiet(time.Second)
			w.grow(1, 0, 1, 2, 3)
		})
	})
}
