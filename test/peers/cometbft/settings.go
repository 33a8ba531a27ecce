package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/config"
)

// The ways in which a node can be set.
const (
	shipped = "shipped" // as CometBFT comes
	tuned   = "tuned"   // for throughput and latency between four nodes of one machine
	prompt  = "prompt"  // tuned, and a dead proposer is waited for no longer than it must be
)

var modes = []string{shipped, tuned, prompt}

// settings are what a node is started with.
type settings struct{ home, mode, p2p, rpc, peers string }

// config makes CometBFT's configuration of them.
func (s settings) config() (*config.Config, error) {
	if !slices.Contains(modes, s.mode) {
		return nil, fmt.Errorf("-mode is %q: there are %s", s.mode, strings.Join(modes, ", "))
	}
	if s.home == "" || s.p2p == "" || s.rpc == "" {
		return nil, fmt.Errorf("node needs -home, -p2p and -rpc")
	}
	c := config.DefaultConfig()
	c.SetRoot(s.home)
	c.P2P.ListenAddress, c.P2P.PersistentPeers = "tcp://"+s.p2p, s.peers
	c.P2P.AllowDuplicateIP, c.P2P.AddrBookStrict, c.P2P.PexReactor = true, false, false // all on one machine
	c.RPC.ListenAddress = "tcp://" + s.rpc
	c.TxIndex.Indexer = "null" // posnet's nodes keep no such index either
	if s.mode != shipped {
		tune(c)
	}
	if s.mode == prompt {
		hurry(c)
	}
	return c, c.ValidateBasic()
}

// tune sets what holds CometBFT back on one machine: the pause after a commit,
// how long gossip sleeps, how links are throttled, and how much the mempool holds.
// Transfers that wait are not checked again after each block.
func tune(c *config.Config) {
	c.Consensus.TimeoutCommit = 0
	c.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond
	c.P2P.FlushThrottleTimeout = time.Millisecond
	c.P2P.SendRate, c.P2P.RecvRate = 1<<30, 1<<30
	c.P2P.MaxPacketMsgPayloadSize = 64 << 10
	c.Mempool.Size, c.Mempool.MaxTxsBytes, c.Mempool.CacheSize = 200_000, 256<<20, 400_000
	c.Mempool.Recheck = false
}

// hurry shortens the waits for a proposer that is dead. With all alive, at a
// load that fills both processors, they would cost rounds.
func hurry(c *config.Config) {
	c.Consensus.TimeoutPropose = 300 * time.Millisecond
	c.Consensus.TimeoutProposeDelta = 100 * time.Millisecond
	c.Consensus.TimeoutPrevote = 100 * time.Millisecond
	c.Consensus.TimeoutPrecommit = 100 * time.Millisecond
}
