package message

import (
	"encoding/json"

	"github.com/posnet/posnet/node/types"
)

// Status answers op status: how the node and its chain are.
type Status struct {
	Name      string          `json:"name"` // of this validator
	Key       types.PublicKey `json:"key"`
	Network   string          `json:"network"`   // the network's name
	NetworkID types.Hash      `json:"networkId"` // the hash of its genesis
	Version   string          `json:"version"`   // of the program

	Height   uint64     `json:"height"`   // of the newest block; 0 is genesis
	HeadHash types.Hash `json:"headHash"` // at height 0 the network's id
	HeadTime Timestamp  `json:"headTime"` // null at height 0
	Oldest   uint64     `json:"oldest"`   // height of the oldest block that the node keeps: 1 where it keeps all
	Round    uint32     `json:"round"`    // of the height under way
	Step     string     `json:"step"`     // "idle", "propose", "prevote", "precommit", …
	Voting   bool       `json:"voting"`   // whether the node votes (not after it lost its disk)

	Ready    bool   `json:"ready"`
	NotReady string `json:"notReady,omitempty"` // why not, one sentence

	Peers     int    `json:"peers"` // connected
	PoolSize  int    `json:"poolSize"`
	PoolBytes int    `json:"poolBytes"`
	Rule      string `json:"rule"` // this node's builder rule

	Validators  int    `json:"validators"` // of the height under way
	TotalStake  uint64 `json:"totalStake"`
	OnlineStake uint64 `json:"onlineStake"` // of validators this node is linked with, itself included
	Guests      int    `json:"guests"`      // in the draw of the height under way
	Evidence    int    `json:"evidence"`    // pieces kept

	Totals Totals `json:"totals"`
	Params Params `json:"params"`
}

// Totals count over the chain.
type Totals struct {
	Records uint64 `json:"records"` // committed, since genesis or the snapshot that the node started from
	Minted  uint64 `json:"minted"`  // tokens, genesis balances included
}

// Params are what the network allows; tokens where they are amounts.
type Params struct {
	OpenAccounts    bool   `json:"openAccounts"`
	BlockReward     uint64 `json:"blockReward"`
	Faucet          bool   `json:"faucet"`
	FaucetMax       uint64 `json:"faucetMax"`
	Guests          bool   `json:"guests"`
	MaxGuests       uint32 `json:"maxGuests"`
	MaxGuestBalance uint64 `json:"maxGuestBalance"`
}

// Genesis answers op genesis: what the network began with. Its id is the hash of
// the genesis, so that whoever knows the id can check it.
type Genesis struct {
	NetworkID types.Hash      `json:"networkId"`
	Genesis   json.RawMessage `json:"genesis"` // the genesis file, as one JSON object
}

// Validators answers op validators: those of one height; of the height under way
// also those that join with the height after, whose effective stake is 0 until then.
type Validators struct {
	Height     uint64      `json:"height"`
	Hash       types.Hash  `json:"hash"` // of those with an effective stake, as headers bind it
	TotalStake uint64      `json:"totalStake"`
	Validators []Validator `json:"validators"` // in the order of their keys
}

// Validator is one validator, as this node sees it.
type Validator struct {
	Name           string          `json:"name"`
	Key            types.PublicKey `json:"key"`
	VRFKey         types.PublicKey `json:"vrfKey"`
	Stake          uint64          `json:"stake"`          // by the newest block; counts two heights later
	EffectiveStake uint64          `json:"effectiveStake"` // at the height of the answer
	DrawFrom       uint64          `json:"drawFrom"`       // the first height it can be drawn at
	Online         bool            `json:"online"`         // linked with this node, or this node itself
	Height         uint64          `json:"height"`         // the newest it told of
	Drawn          uint64          `json:"drawn"`          // heights whose round 0 drew it
	Won            uint64          `json:"won"`            // blocks committed in its own name
	Missed         uint64          `json:"missed"`         // heights that drew it before the round that was committed
	Guests         int             `json:"guests"`         // in the draw, hosted by it
}

// Peers answers op peers.
type Peers struct {
	Peers []Peer `json:"peers"`
}

// Peer is another validator this node links with.
type Peer struct {
	Name    string          `json:"name"`
	Key     types.PublicKey `json:"key"`
	Address string          `json:"address"` // host:port
	Online  bool            `json:"online"`
	Since   Timestamp       `json:"since"`  // when the link came up or went down; null if there never was one
	Height  uint64          `json:"height"` // the newest it told of
}

// PoolSize is news of the topic pool.
type PoolSize struct {
	Records int `json:"records"`
	Bytes   int `json:"bytes"`
}

// Event is news of a topic, with the one field that goes with it.
type Event struct {
	Topic  Topic     `json:"topic"`
	Block  *Block    `json:"block,omitempty"`
	Winner *Winner   `json:"winner,omitempty"`
	Pool   *PoolSize `json:"pool,omitempty"`
}

// Topics answers op subscribe and op unsubscribe: all topics the connection is
// now subscribed to. News of blocks and winners begins above Height.
type Topics struct {
	Topics []Topic `json:"topics"`
	Height uint64  `json:"height"`
}

// Version answers GET /version.
type Version struct {
	Version string `json:"version"` // of the program
	Go      string `json:"go"`      // of the compiler
	API     int    `json:"api"`     // grows with changes that old clients would notice
}
