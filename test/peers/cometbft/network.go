package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"
)

// identity is what others have to know of a node that init made.
type identity struct {
	ID      string `json:"id"`      // in addresses of peers
	Address string `json:"address"` // of its votes
}

// power is every validator's.
const power = 10

// initNetwork makes keys and genesis for a number of validators, each in a folder
// named by its number, and writes their identities to out as JSON.
func initNetwork(out io.Writer, dir string, nodes int, balance int64) error {
	genesis := &types.GenesisDoc{
		ChainID: "yardstick", ConsensusParams: types.DefaultConsensusParams(), GenesisTime: time.Now().UTC(), InitialHeight: 1,
	}
	state, err := json.Marshal(genesisState{Balance: balance})
	if err != nil {
		return err
	}
	genesis.AppState = state
	var all []identity
	var files []string
	for i := range nodes {
		c := config.DefaultConfig()
		c.SetRoot(filepath.Join(dir, strconv.Itoa(i)))
		who, validator, err := initNode(c)
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		all, files = append(all, who), append(files, c.GenesisFile())
		genesis.Validators = append(genesis.Validators, validator)
	}
	for _, file := range files {
		if err := genesis.SaveAs(file); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(all)
}

func initNode(c *config.Config) (identity, types.GenesisValidator, error) {
	for _, folder := range []string{filepath.Dir(c.GenesisFile()), c.DBDir()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return identity{}, types.GenesisValidator{}, err
		}
	}
	validator, err := privval.GenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile(), nil)
	if err != nil {
		return identity{}, types.GenesisValidator{}, err
	}
	validator.Save()
	link, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
	if err != nil {
		return identity{}, types.GenesisValidator{}, err
	}
	key := validator.Key.PubKey
	return identity{ID: string(link.ID()), Address: key.Address().String()},
		types.GenesisValidator{Address: key.Address(), PubKey: key, Power: power}, nil
}
