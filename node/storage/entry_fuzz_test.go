package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzEntry puts an arbitrary entry into the database, as no node writes it and
// no checksum tells, and reads all: there is an error that is a sentence, or none,
// and never more memory than what is stored warrants.
func FuzzEntry(f *testing.F) {
	c, err := openChain(vfs.NewMem(), "/chain", true, testLogger)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	commitUpTo(f, c, 5)
	record := height(3).Records[0]
	block := []byte{blockSpace, 0, 0, 0, 0, 0, 0, 0, 5}
	for _, seed := range [][2][]byte{
		{{baseSpace}, {0, 0, 0, 0, 0, 0, 0, 2, stateSpace}}, {{baseSpace}, {0, 0, 0, 0, 0, 0, 0, 9, secondSpace}}, {{baseSpace}, {0, 0, 0, 0, 0, 0, 0, 0, 'x'}}, {{baseSpace}, {1}},
		{block, {0xff, 0xff, 0xff, 0xff}}, {block[:8], {}}, {append(block[:8:8], 7), {0, 0, 0, 1, 'b', 'c'}}, {append([]byte{blockSpace}, make([]byte, 8)...), {0, 0, 0, 0}},
		{recordKey(nil, record), {0, 0, 0, 0, 0, 0, 0, 3}}, {recordKey(nil, record), make([]byte, 13)}, {{stateSpace}, {}}, {{auxSpace}, {1}}, {{'z'}, {1}},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		was, there, err := c.get(key)
		if err == nil {
			err = c.db.Set(key, value, pebble.NoSync)
		}
		if err != nil {
			t.Fatal(err)
		}
		fuzzed.Within(t, uint64(1<<20+64*len(value)), func() {
			err := c.findHead()
			fuzzed.Sentence(t, err)
			if err == nil {
				_, _, err = c.Block(c.Head())
			}
			_, _, _, unplaced := c.Place(record)
			for _, err := range []error{
				err, unplaced, c.Blocks(1, func(uint64, []byte, []byte) bool { return true }), c.State(func(_, _ []byte) error { return nil }),
			} {
				fuzzed.Sentence(t, err)
			}
		})
		if there {
			err = c.db.Set(key, was, pebble.NoSync)
		} else {
			err = c.db.Delete(key, pebble.NoSync)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
