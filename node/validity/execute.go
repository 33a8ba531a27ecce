package validity

import (
	"fmt"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// Executed is a valid block with what it changes.
type Executed struct {
	Block *types.Block
	Delta *ledger.Delta // for the state's Commit
}

// Execute checks a block against the chain: its header, its proof and every
// record. The state stays as it is. That the records are those the header binds
// is for whoever put them together. An error is a *Fault.
func (n *Next) Execute(header types.Header, records []types.VerifiedRecord) (*Executed, error) {
	claim, err := n.CheckHeader(&header)
	if err != nil {
		return nil, err
	}
	output, err := claim.Verify()
	if err != nil {
		return nil, err
	}
	return n.Apply(header, records, output)
}

// Apply applies the records of a block whose header was checked to the state,
// which stays as it is. output is that of its proof. An error is a *Fault.
func (n *Next) Apply(header types.Header, records []types.VerifiedRecord, output lottery.Output) (*Executed, error) {
	trial := n.state.Begin(header.Height, header.Winner, header.Proposer)
	for i, r := range records {
		if err := trial.Apply(r); err != nil {
			return nil, recordFault(n.Height, i, err)
		}
	}
	block, err := n.Block(header, records)
	if err != nil {
		return nil, err
	}
	delta, err := trial.Finish(output)
	if err != nil {
		return nil, &Fault{Height: n.Height, Where: "records", What: err.Error()}
	}
	return &Executed{Block: block, Delta: delta}, nil
}

// Block puts a block together, and checks that it is not too large. An error is a
// *Fault.
func (n *Next) Block(header types.Header, records []types.VerifiedRecord) (*types.Block, error) {
	block := &types.Block{Header: header, Records: make([]*types.Record, len(records))}
	bytes := 0
	for i, r := range records {
		block.Records[i] = r.Record()
		bytes += len(r.Record().Raw())
	}
	if len(records) > types.MaxBlockRecords || bytes > types.MaxBlockBytes {
		return nil, &Fault{Height: n.Height, Where: "records", What: fmt.Sprintf("%d records of %d bytes: at most %d of %d are allowed",
			len(records), bytes, types.MaxBlockRecords, types.MaxBlockBytes)}
	}
	return block, nil
}

// CheckBody checks that a block holds the records its header binds, in their
// order. An error is a *Fault.
func CheckBody(b *types.Block) error {
	h := &b.Header
	if len(b.Records) != int(h.Records) {
		return differ(h.Height, "header.records", "the block holds another number of records", len(b.Records), h.Records)
	}
	if root := types.MerkleRoot(b.IDs()); root != h.RecordsRoot {
		return differ(h.Height, "header.recordsRoot", "the records in the block have another root", root, h.RecordsRoot)
	}
	return nil
}

// recordFault is the fault of one record.
func recordFault(height uint64, index int, err error) *Fault {
	return &Fault{Height: height, Where: fmt.Sprintf("records[%d]", index), What: err.Error()}
}

// RecordsFault is the first fault of a block's records, by the errors that
// types.RecordVerifier gave; nil if there is none.
func RecordsFault(height uint64, errs []error) error {
	for i, err := range errs {
		if err != nil {
			return recordFault(height, i, err)
		}
	}
	return nil
}
