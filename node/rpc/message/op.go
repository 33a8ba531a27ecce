package message

import "encoding/json"

// Op names an operation of the API.
type Op string

// The operations.
const (
	OpPool        Op = "pool"
	OpMerge       Op = "merge"
	OpBlocks      Op = "blocks"
	OpPeers       Op = "peers"
	OpStatus      Op = "status"
	OpValidators  Op = "validators"
	OpBalance     Op = "balance"
	OpBlock       Op = "block"
	OpRecord      Op = "record"
	OpWinners     Op = "winners"
	OpDraw        Op = "draw"
	OpFairness    Op = "fairness"
	OpProof       Op = "proof"
	OpEvidence    Op = "evidence"
	OpGenesis     Op = "genesis"
	OpHandovers   Op = "handovers"
	OpSubscribe   Op = "subscribe"
	OpUnsubscribe Op = "unsubscribe"
)

// Topic is what a connection can subscribe to.
type Topic string

// The topics.
const (
	TopicBlocks  Topic = "blocks"  // each committed block, in order and without gaps
	TopicWinners Topic = "winners" // who won each height, in order and without gaps
	TopicPool    Topic = "pool"    // the pool's size when it has changed, several changes told as one
)

// Limits that clients need to know.
const (
	// MaxFrameBytes is the largest request that is taken: MaxMergeRecords
	// records of about 420 bytes of JSON each.
	MaxFrameBytes = 4 << 20
	// MaxMergeRecords is how many records one merge may bring: what one batch of
	// signatures checks in about a fifth of a second on one core.
	MaxMergeRecords = 10_000
	// MaxIDBytes is how long the JSON of a request's id may be: the server keeps
	// the ids of all requests under way.
	MaxIDBytes = 256
	// MaxAnswerBytes is what a client must be ready to read in one frame: a
	// block of types.MaxBlockRecords records, with ids, header and certificate.
	MaxAnswerBytes = 64 << 20

	// MaxBlocks and DefaultBlocks are the most, and the usual, blocks of one answer.
	MaxBlocks, DefaultBlocks = 1000, 100
	// MaxPool and DefaultPool are the most, and the usual, pool records of one answer.
	MaxPool, DefaultPool = 10_000, 1000
	// MaxWinners and DefaultWinners are the most, and the usual, winners of one answer.
	MaxWinners, DefaultWinners = 1000, 10
	// MaxOrder and DefaultOrder are the most, and the usual, places of a draw's order.
	MaxOrder, DefaultOrder = 1000, 10
	// MaxHandovers and DefaultHandovers are the most, and the usual, handovers of
	// one answer: with a hundred validators each takes 40 kB.
	MaxHandovers, DefaultHandovers = 500, 100
	// MaxEvidence is how many pieces of evidence one answer holds: one is
	// enough to convict, so the newest will do.
	MaxEvidence = 100
)

// Request is one frame of a client. Args and ID may be left out.
type Request struct {
	Op   Op              `json:"op"`
	Args any             `json:"args,omitempty"`
	ID   json.RawMessage `json:"id,omitempty"` // comes back with the answer
}

// Answer is one frame of the server as a client reads it: the answer to a
// request, or, where Topic is set, news of a topic.
type Answer struct {
	Status   int             `json:"status"`
	Error    string          `json:"error"`
	Response json.RawMessage `json:"response"`
	ID       json.RawMessage `json:"id"`
	Topic    Topic           `json:"topic"`
}
