// Package genesis is the first of the two files a node starts from: what all
// nodes of a network agree on before the first block. Its hash is the
// network's id, which every signature binds.
package genesis

import (
	"encoding/json"
	"fmt"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/types/jsonfile"
)

// maxFileBytes bounds what is read: a thousand accounts and a hundred
// validators take a fifth of a megabyte.
const maxFileBytes = 4 << 20

// Validator is a validator the network starts with.
type Validator struct {
	Name   string          `json:"name"`
	Key    types.PublicKey `json:"key"`
	VRFKey types.PublicKey `json:"vrfKey"`
	Stake  uint64          `json:"stake"` // tokens, 1 to types.MaxAmount
}

// Account is a balance the network starts with.
type Account struct {
	Account types.Account `json:"account"`
	Balance uint64        `json:"balance"` // tokens, 1 to types.MaxAmount
}

// Params are the rules of validity, the same on every node for the whole life
// of the network.
type Params struct {
	OpenAccounts   bool   `json:"openAccounts"`
	BlockReward    uint64 `json:"blockReward"` // tokens minted to each winner, 0 to types.MaxAmount
	Faucet         bool   `json:"faucet"`
	FaucetMax      uint64 `json:"faucetMax"` // tokens in one mint
	Guests         bool   `json:"guests"`
	MaxGuests      uint32 `json:"maxGuests"`       // sessions in the draw at a time
	MaxGuestWeight uint64 `json:"maxGuestBalance"` // tokens one guest may bring
}

// Genesis is the whole file.
type Genesis struct {
	Name       string          `json:"name"`
	Time       types.Time      `json:"time"`  // of height 0
	Nonce      types.Hash      `json:"nonce"` // fixed after the VRF keys, so that nobody chose keys by it
	Authority  types.PublicKey `json:"authority"`
	Params     Params          `json:"params"`
	Validators []Validator     `json:"validators"`
	Accounts   []Account       `json:"accounts,omitempty"`
}

// Parse reads and checks a genesis file. Unknown fields are errors.
func Parse(data []byte) (*Genesis, error) {
	g := &Genesis{}
	if err := jsonfile.Decode(data, g); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, nil
}

// Load reads and checks the genesis file at path.
func Load(path string) (*Genesis, error) {
	data, err := jsonfile.Read(path, maxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	g, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return g, nil
}

// Encode returns the canonical file: indented JSON in the order of the fields.
func (g *Genesis) Encode() []byte {
	data, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		panic("genesis: cannot encode: " + err.Error()) // all fields are plain
	}
	return append(data, '\n')
}

const networkDomain = "posnet/network/v1"

// Network returns the network's id: the SHA-256 of a domain and the compact
// JSON of the file, so that neither indentation nor line ends matter.
func (g *Genesis) Network() types.Hash {
	data, err := json.Marshal(g)
	if err != nil {
		panic("genesis: cannot encode: " + err.Error())
	}
	return types.SumHash([]byte(networkDomain), data)
}

// ValidatorSet returns the validators of the first two heights; all can be
// drawn from the first.
func (g *Genesis) ValidatorSet() (*types.ValidatorSet, error) {
	list := make([]types.Validator, len(g.Validators))
	for i, v := range g.Validators {
		list[i] = types.Validator{Name: v.Name, Key: v.Key, VRFKey: v.VRFKey, Stake: v.Stake, DrawFrom: 1}
	}
	return types.NewValidatorSet(list)
}

// Check says what is wrong with the file, if anything is.
func (g *Genesis) Check() error {
	if g.Name == "" {
		return fmt.Errorf("genesis: name is missing")
	}
	if g.Authority.IsZero() {
		return fmt.Errorf("genesis: authority is missing: it must be the public key that signs changes of stake")
	}
	for i, v := range g.Validators {
		if err := v.check(); err != nil {
			return fmt.Errorf("genesis: validators[%d]: %w", i, err)
		}
	}
	if _, err := g.ValidatorSet(); err != nil {
		return fmt.Errorf("genesis: validators: %w", err)
	}
	if g.Params.BlockReward > types.MaxAmount || g.Params.FaucetMax > types.MaxAmount || g.Params.MaxGuestWeight > types.MaxAmount {
		return fmt.Errorf("genesis: params: blockReward, faucetMax and maxGuestBalance must be at most %d", types.MaxAmount)
	}
	return g.checkAccounts()
}

func (v Validator) check() error {
	if err := types.CheckName(v.Name); err != nil {
		return err
	}
	if v.Key.IsZero() || v.VRFKey.IsZero() {
		return fmt.Errorf("%s lacks a key: it must have \"key\" and \"vrfKey\", 64 hex digits each", v.Name)
	}
	return nil
}

func (g *Genesis) checkAccounts() error {
	seen := map[types.Account]bool{}
	var sum uint64
	for i, a := range g.Accounts {
		switch {
		case a.Account.Kind == types.NoAccount:
			return fmt.Errorf("genesis: accounts[%d]: account is missing: it must be a public key or a UUID", i)
		case seen[a.Account]:
			return fmt.Errorf("genesis: accounts[%d]: %s is there twice", i, a.Account)
		case a.Account == types.Genesis:
			return fmt.Errorf("genesis: accounts[%d]: GENESIS holds no balance, it mints", i)
		case a.Account.Kind == types.Open && !g.Params.OpenAccounts:
			return fmt.Errorf("genesis: accounts[%d]: %s is an open account: they need params.openAccounts", i, a.Account)
		case a.Balance == 0 || a.Balance > types.MaxAmount || sum+a.Balance > types.MaxAmount:
			return fmt.Errorf("genesis: accounts[%d]: balance %d: balances are whole numbers from 1, and their sum at most %d", i, a.Balance, types.MaxAmount)
		}
		seen[a.Account] = true
		sum += a.Balance
	}
	return nil
}
