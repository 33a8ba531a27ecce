package config

import (
	"bytes"
	"testing"

	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzConfig reads arbitrary text as a config: what is accepted is written, and
// read as the same.
func FuzzConfig(f *testing.F) {
	f.Add(example().Encode())
	f.Add([]byte(`{"name": "alice", "listen": {"p2p": ":1", "api": "[::1]:http"}, "logLevel": "WARN+3", "builder": {"interval": "1h1ns"}}`))
	f.Add(bytes.Replace(example().Encode(), []byte("1.5s"), []byte("-1.5s"), 1))
	f.Add(example().Encode()[:100])
	f.Fuzz(func(t *testing.T, data []byte) {
		var c *Config
		var err error
		fuzzed.Memory(t, len(data), func() { c, err = parse(data, "config.json") })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		again, err := parse(c.Encode(), "config.json")
		if err != nil || !bytes.Equal(again.Encode(), c.Encode()) {
			t.Errorf("%s is accepted, but written as %s: %v", data, c.Encode(), err)
		}
	})
}

// FuzzKeys reads arbitrary text as a key file. No error shows any of it, since
// it may be a key with a slip.
func FuzzKeys(f *testing.F) {
	good := Keys{Sign: key(1), VRF: key(2)}.Encode()
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("0"), []byte("g"), 1))
	f.Add(bytes.Replace(good, []byte(`",`), []byte(`0",`), 1))
	f.Add(good[:80])
	f.Add([]byte(`{"sign": 7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var k Keys
		var err error
		fuzzed.Memory(t, len(data), func() { k, err = decodeKeys(data, "keys.json") })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		if again, err := decodeKeys(k.Encode(), "keys.json"); err != nil || again.Sign.Seed() != k.Sign.Seed() || again.VRF.Seed() != k.VRF.Seed() {
			t.Errorf("%s is accepted, but written as %s: %v", data, k.Encode(), err)
		}
	})
}
