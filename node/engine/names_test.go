package engine

import (
	"errors"
	"testing"

	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/test/forge"
)

// The names of validators that joined are read back, and what is none is damage.
func TestLoadNames(t *testing.T) {
	g, key := forge.Genesis(map[string]uint64{"alice": 1}), forge.Key("bob").Public()
	store := storage.NewMemory().Store
	put := func(key []byte) {
		if err := store.Put(storage.Change{Key: append([]byte{keyName}, key...), Value: []byte("bob")}); err != nil {
			t.Fatal(err)
		}
	}
	put(key[:])
	if c, err := openChain(g, store); err != nil || c.names[key] != "bob" {
		t.Errorf("%v, %v", c, err)
	}
	put(key[:31])
	if _, err := openChain(g, store); !errors.Is(err, errDamaged) {
		t.Errorf("a key cut off: %v", err)
	}
}
