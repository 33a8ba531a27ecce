package node

import (
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// A node starts with the keys that its config names; where the config names
// none, with those of the genesis. Keys of the genesis always go together.
func TestWhoseKeys(t *testing.T) {
	key := func(name string) types.PrivateKey { return types.NewPrivateKey(types.SumHash([]byte(name))) }
	of := func(sign, vrf string) config.Keys { return config.Keys{Sign: key(sign), VRF: key(vrf)} }
	alice, fresh := of("alice", "vrf"), of("fresh", "fresh vrf")
	g := &genesis.Genesis{
		Name: "alpha", Time: 1_700_000_000e9, Nonce: types.SumHash(nil), Authority: key("authority").Public(),
		Validators: []genesis.Validator{{Name: "alice", Key: alice.Sign.Public(), VRFKey: alice.VRF.Public(), Stake: 1}},
	}
	for name, tt := range map[string]struct {
		validator string
		config    types.PublicKey
		keys      config.Keys
		want      string
	}{
		"of the genesis":              {"alice", types.PublicKey{}, alice, ""},
		"of the genesis and config":   {"alice", alice.Sign.Public(), alice, ""},
		"new":                         {"alice", fresh.Sign.Public(), fresh, ""},
		"of a newcomer":               {"bob", fresh.Sign.Public(), fresh, ""},
		"not of the config":           {"alice", alice.Sign.Public(), fresh, "the config file names for validator alice"},
		"not of a newcomer":           {"bob", fresh.Sign.Public(), alice, "the config file names for validator bob"},
		"not of the genesis":          {"alice", types.PublicKey{}, fresh, "the genesis file names for validator alice"},
		"with another's VRF key":      {"alice", alice.Sign.Public(), of("alice", "other"), "the genesis file names for validator alice"},
		"with the VRF key and no own": {"alice", types.PublicKey{}, of("other", "vrf"), "the genesis file names for validator alice"},
	} {
		c := &config.Config{
			Name: tt.validator, Key: tt.config, Listen: config.Listen{API: ":0", P2P: ":0"},
			Builder:   config.Builder{When: "true", Interval: config.Duration(time.Second), MaxRecords: 1, MaxBytes: types.MaxRecordBytes},
			Consensus: config.Consensus{ProposeTimeout: config.Duration(time.Second)},
		}
		err := check(Options{Genesis: g, Config: c, Keys: tt.keys})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
