package engine

import (
	"fmt"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/types"
)

// Limits of what one frame between peers may ask for or hold.
const (
	// maxGossipRecords keeps a frame of gossip below 300 kB, so that the frames
	// behind it do not wait.
	maxGossipRecords = 1_000
	// maxWantedRecords is as many as a block may have.
	maxWantedRecords = types.MaxBlockRecords
	// maxBlocksPerAnswer and maxBlocksBytes bound what a peer behind is sent at
	// once: it asks again for more. One block always fits.
	maxBlocksPerAnswer = 256
	maxBlocksBytes     = 4 << 20
	maxBlockFrame      = types.MaxBlockBytes + 1<<20
)

// wanted asks for the records of a block that this node lacks.
type wanted struct {
	Block types.Hash // whose records they are; comes back with the answer
	IDs   []types.Hash
}

func (w *wanted) encode() []byte {
	e := types.NewEncoder("", 36+32*len(w.IDs))
	e.Fixed(w.Block[:])
	e.Uint32(uint32(len(w.IDs)))
	for i := range w.IDs {
		e.Fixed(w.IDs[i][:])
	}
	return e.Data()
}

func decodeWanted(raw []byte) (*wanted, error) {
	d := types.NewDecoder(raw)
	w := &wanted{}
	d.Fixed(w.Block[:])
	w.IDs = make([]types.Hash, d.Count(32, maxWantedRecords))
	for i := range w.IDs {
		d.Fixed(w.IDs[i][:])
	}
	return w, d.Finish()
}

// found answers wanted with what the peer has of it.
func encodeFound(block types.Hash, records []*types.Record) []byte {
	list := types.EncodeRecords(records)
	e := types.NewEncoder("", 32+len(list))
	e.Fixed(block[:])
	e.Fixed(list)
	return e.Data()
}

func decodeFound(raw []byte) (block types.Hash, records []*types.Record, err error) {
	if len(raw) < len(block) {
		return block, nil, fmt.Errorf("an answer of %d bytes: it must begin with a block's hash", len(raw))
	}
	copy(block[:], raw)
	records, err = types.DecodeRecords(raw[len(block):])
	return block, records, err
}

// certified is a block with what makes it final.
type certified struct {
	Block       *types.Block
	Certificate *types.Certificate
	rawBlock    []byte
	rawCert     []byte
}

func encodeBlocksWanted(from uint64) []byte {
	e := types.NewEncoder("", 8)
	e.Uint64(from)
	return e.Data()
}

func decodeBlocksWanted(raw []byte) (from uint64, err error) {
	d := types.NewDecoder(raw)
	from = d.Uint64()
	return from, d.Finish()
}

// encodeBlocks puts encoded blocks and certificates, in turn, into one frame.
func encodeBlocks(pairs [][2][]byte) []byte {
	size := 4
	for _, p := range pairs {
		size += 8 + len(p[0]) + len(p[1])
	}
	e := types.NewEncoder("", size)
	e.Uint32(uint32(len(pairs)))
	for _, p := range pairs {
		e.Bytes(p[0])
		e.Bytes(p[1])
	}
	return e.Data()
}

func decodeBlocks(raw []byte) ([]certified, error) {
	d := types.NewDecoder(raw)
	n := d.Count(8, maxBlocksPerAnswer)
	out := make([]certified, 0, n)
	for range n {
		c := certified{rawBlock: d.Bytes(maxBlockFrame), rawCert: d.Bytes(heights.MaxCertificate)}
		if d.Err() != nil {
			break
		}
		var err error
		if c.Block, err = types.DecodeBlock(c.rawBlock); err != nil {
			return nil, err
		}
		if c.Certificate, err = types.DecodeCertificate(c.rawCert); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, d.Finish()
}

// peerStatus is what peers tell each other about their chain.
type peerStatus struct {
	Height   uint64
	Hash     types.Hash
	Oldest   uint64 // the oldest block that is kept
	Snapshot uint64 // the height of the newest snapshot that is served, 0 for none
}

func (s *peerStatus) encode() []byte {
	e := types.NewEncoder("", 56)
	e.Uint64(s.Height)
	e.Fixed(s.Hash[:])
	e.Uint64(s.Oldest)
	e.Uint64(s.Snapshot)
	return e.Data()
}

func decodePeerStatus(raw []byte) (peerStatus, error) {
	d := types.NewDecoder(raw)
	s := peerStatus{Height: d.Uint64()}
	d.Fixed(s.Hash[:])
	s.Oldest, s.Snapshot = d.Uint64(), d.Uint64()
	if err := d.Finish(); err != nil {
		return s, err
	}
	return s, checkHeight(max(s.Height, s.Oldest, s.Snapshot))
}

// maxHeight is higher than any chain gets: 2^53, a block each microsecond for
// three hundred years. What comes near the end of uint64 cannot be counted on.
const maxHeight = 1 << 53

func checkHeight(height uint64) error {
	if height > maxHeight {
		return fmt.Errorf("a height of %d: no chain is so long", height)
	}
	return nil
}
