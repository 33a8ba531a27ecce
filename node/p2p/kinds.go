package p2p

import (
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// Kind is what a message between validators is about; it decides which link
// carries it and how large it may be.
type Kind uint8

// The kinds of messages.
const (
	KindProposal       Kind = iota + 1 // a types.Proposal
	KindVote                           // a types.Vote
	KindCandidate                      // a types.Candidate
	KindPass                           // a types.Pass
	KindSummary                        // what the sender knows of the round under way
	KindRecords                        // gossip: records that are new in the sender's pool
	KindRecordsWanted                  // ids of records the sender lacks
	KindRecordsFound                   // the answer
	KindBlocksWanted                   // the height a node that is behind goes on from
	KindBlocksFound                    // the answer: certified blocks
	KindStatus                         // the height and head of the sender's chain, and what it keeps
	KindSnapshotWanted                 // a piece of what a node needs to go on from a snapshot of the state
	KindSnapshotFound                  // the answer
)

// LinkKind is one of the two links of a pair of validators.
type LinkKind uint8

// The two links.
const (
	VoteLink LinkKind = iota + 1 // agreement
	BulkLink                     // all that is large or can wait
)

// linkKinds are the links of each pair.
var linkKinds = [...]LinkKind{VoteLink, BulkLink}

// String returns "vote" or "bulk".
func (k LinkKind) String() string {
	switch k {
	case VoteLink:
		return "vote"
	case BulkLink:
		return "bulk"
	}
	return fmt.Sprintf("link kind %d", uint8(k))
}

// Sizes of payloads that several kinds share.
const (
	// smallBytes holds a vote, pass, candidate or status, none of which has
	// more than 200 bytes, with room for what a later version may add.
	smallBytes = 1 << 10
	// idsBytes holds an id for each record of the largest block, with a header
	// and a signature: 1.6 million bytes and some hundred.
	idsBytes = 32*types.MaxBlockRecords + 64<<10
	// recordsBytes holds the records of the largest block: each has a length of
	// four bytes before it.
	recordsBytes = types.MaxBlockBytes + 4*types.MaxBlockRecords + 64<<10
)

// kinds is the table of what each kind is called, which link carries it and how
// many bytes its payload may have.
var kinds = [...]struct {
	name string
	link LinkKind
	max  int
}{
	KindProposal:      {"proposal", VoteLink, idsBytes},
	KindVote:          {"vote", VoteLink, smallBytes},
	KindCandidate:     {"candidate", VoteLink, smallBytes},
	KindPass:          {"pass", VoteLink, smallBytes},
	KindSummary:       {"summary", VoteLink, 64 << 10}, // two votes of each of a hundred validators, several rounds
	KindRecords:       {"records", BulkLink, 1 << 20},  // gossip comes in many small batches
	KindRecordsWanted: {"recordsWanted", BulkLink, idsBytes},
	KindRecordsFound:  {"recordsFound", BulkLink, recordsBytes},
	KindBlocksWanted:  {"blocksWanted", BulkLink, smallBytes},
	KindBlocksFound:   {"blocksFound", BulkLink, 2 * recordsBytes}, // as many again may stand before the largest block
	KindStatus:        {"status", BulkLink, smallBytes},

	KindSnapshotWanted: {"snapshotWanted", BulkLink, smallBytes},
	KindSnapshotFound:  {"snapshotFound", BulkLink, 1 << 20}, // the largest outline or part of a state has 600 kB
}

func (k Kind) known() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's name, such as "vote".
func (k Kind) String() string {
	if k.known() {
		return kinds[k].name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Link returns which link carries the kind; it is 0 for an unknown kind.
func (k Kind) Link() LinkKind {
	if k.known() {
		return kinds[k].link
	}
	return 0
}

// MaxBytes returns how many bytes a payload of the kind may have at most.
func (k Kind) MaxBytes() int {
	if k.known() {
		return kinds[k].max
	}
	return 0
}
