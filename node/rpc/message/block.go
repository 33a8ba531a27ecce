package message

import (
	"encoding/json"
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Item is a record of a block or of the pool, in the form of types.RecordView:
// the record's own fields, t, prev_hash, and the id if it was asked for.
type Item types.RecordView

// MarshalJSON implements json.Marshaler.
func (i Item) MarshalJSON() ([]byte, error) { return types.RecordView(i).MarshalJSON() }

// AppendJSON appends what MarshalJSON returns to b.
func (i Item) AppendJSON(b []byte) []byte { return types.RecordView(i).AppendJSON(b) }

// UnmarshalJSON implements json.Unmarshaler. The record's own id is computed,
// not believed.
func (i *Item) UnmarshalJSON(b []byte) error {
	var extra struct {
		Prev *types.Hash `json:"prev_hash"`
		ID   *string     `json:"id"`
	}
	if err := json.Unmarshal(b, &extra); err != nil {
		return fmt.Errorf("item: %w", err)
	}
	r := &types.Record{}
	if err := r.UnmarshalJSON(b); err != nil {
		return fmt.Errorf("item: %w", err)
	}
	*i = Item{Record: r, WithID: extra.ID != nil}
	if extra.Prev != nil {
		i.Prev = *extra.Prev
	}
	return nil
}

// Block is a committed block. Its first eight fields are those its readers
// have always known.
type Block struct {
	Index     uint64          `json:"index"` // its height; the first after genesis has 1
	Timestamp Timestamp       `json:"timestamp"`
	PrevHash  types.Hash      `json:"prevHash"`
	Hash      types.Hash      `json:"hash"`
	Validator types.PublicKey `json:"validator"` // the winner: a validator's key or a guest's session
	Round     uint32          `json:"round"`
	BPM       uint64          `json:"bpm"` // the winner's reading, else 0
	Items     []Item          `json:"items"`

	Name     string          `json:"name"`            // of the winner; of a guest, the name of its host
	Guest    bool            `json:"guest,omitempty"` // the winner is a guest
	Proposer types.PublicKey `json:"proposer"`        // who made the block: the winner, or its host

	// What proves the block: there if "certified" was asked for.
	Header      *Header            `json:"header,omitempty"`
	Certificate *types.Certificate `json:"certificate,omitempty"`
}

// BlockOptions says what a Block shows beyond the usual.
type BlockOptions struct {
	IDs       bool // each item's id
	Certified bool // header and certificate
}

// NewBlock returns the JSON form of a block. name is that of the proposer,
// empty if it is not known.
func NewBlock(b *types.Block, certificate *types.Certificate, name string, o BlockOptions) Block {
	out := Block{
		Index: b.Header.Height, Timestamp: Timestamp(b.Header.Time), PrevHash: b.Header.Prev, Hash: b.Header.Hash(),
		Validator: b.Header.Winner, Round: b.Header.Round, BPM: b.BPM(), Items: make([]Item, len(b.Records)),
		Name: name, Guest: b.Header.Winner != b.Header.Proposer, Proposer: b.Header.Proposer,
	}
	var prev types.Hash
	for i, r := range b.Records {
		out.Items[i] = Item{Record: r, Prev: prev, WithID: o.IDs}
		prev = r.ID()
	}
	if o.Certified {
		header := NewHeader(&b.Header)
		out.Header, out.Certificate = &header, certificate
	}
	return out
}

// Header is all that a block's hash binds.
type Header struct {
	Network        types.Hash      `json:"network"`
	Height         uint64          `json:"height"`
	Round          uint32          `json:"round"`
	Time           Timestamp       `json:"time"`
	Prev           types.Hash      `json:"prev"`
	RecordsRoot    types.Hash      `json:"recordsRoot"` // of the RFC 6962 tree over the record ids
	Records        uint32          `json:"records"`
	State          types.Hash      `json:"state"`          // digest of the state after the parent
	Validators     types.Hash      `json:"validators"`     // hash of the validator set of this height
	NextValidators types.Hash      `json:"nextValidators"` // hash of the validator set of the next height
	Proof          Hex             `json:"proof"`          // the VRF proof, 80 bytes
	Winner         types.PublicKey `json:"winner"`
	Proposer       types.PublicKey `json:"proposer"`
}

// NewHeader returns the JSON form of a header.
func NewHeader(h *types.Header) Header {
	return Header{
		Network: h.Network, Height: h.Height, Round: h.Round, Time: Timestamp(h.Time), Prev: h.Prev,
		RecordsRoot: h.RecordsRoot, Records: h.Records, State: h.State, Validators: h.Validators, NextValidators: h.NextValidators,
		Proof: Hex(h.Proof[:]), Winner: h.Winner, Proposer: h.Proposer,
	}
}

// Types returns the header that was shown; its Hash must be the block's.
func (h Header) Types() (*types.Header, error) {
	out := &types.Header{
		Network: h.Network, Height: h.Height, Round: h.Round, Time: types.Time(h.Time), Prev: h.Prev,
		RecordsRoot: h.RecordsRoot, Records: h.Records, State: h.State, Validators: h.Validators, NextValidators: h.NextValidators,
		Winner: h.Winner, Proposer: h.Proposer,
	}
	if len(h.Proof) != len(out.Proof) {
		return nil, fmt.Errorf("the header of height %d has a proof of %d bytes: it must have %d", h.Height, len(h.Proof), len(out.Proof))
	}
	copy(out.Proof[:], h.Proof)
	return out, nil
}
