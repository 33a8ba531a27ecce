package kube

import (
	"encoding/json"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

// ConfigHash is the SHA-256 of a config without its peers, 64 hex digits: a
// running node takes new peers on, all else needs a restart.
func ConfigHash(c *config.Config) string {
	own := *c
	own.Peers = nil
	return types.SumHash(own.Encode()).String()
}

// PeersHash is the SHA-256 of a config's peers, 64 hex digits.
func PeersHash(c *config.Config) string {
	text, err := json.Marshal(c.Peers)
	if err != nil {
		panic("kube: cannot encode peers: " + err.Error()) // all fields are plain
	}
	return types.SumHash(text).String()
}
