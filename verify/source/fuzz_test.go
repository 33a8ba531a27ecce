package source

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzShown reads arbitrary JSON as a block that a node shows, as verify does: it
// is refused with a fault, or it is a block whose header and records say all
// that is shown.
func FuzzShown(f *testing.F) {
	made := forge.Lively()
	for _, height := range []int{1, 3, 5, 14} {
		b := made.Blocks[height-1]
		text, err := json.Marshal(message.NewBlock(b.Block, b.Certificate, "alice", message.BlockOptions{IDs: height == 3, Certified: true}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint64(height), text)
		f.Add(uint64(height+1), text)
	}
	f.Add(uint64(1), []byte(`{"header":{},"certificate":{},"items":[{}]}`))
	f.Fuzz(func(t *testing.T, height uint64, text []byte) {
		var b Block
		var err error
		fuzzed.Memory(t, len(text), func() { b, err = decodeShown(height, text) })
		checkFault(t, height, err)
		if err != nil || b.Block.Header.Height != height {
			return
		}
		var shown message.Block
		if err := json.Unmarshal(text, &shown); err != nil || shown.Hash != b.Block.Header.Hash() || len(shown.Items) != len(b.Block.Records) {
			t.Errorf("%s passes for block %s", text, b.Block.Header.Hash())
		}
	})
}

// FuzzStored does the same with what lies in a folder.
func FuzzStored(f *testing.F) {
	made := forge.Lively()
	for _, b := range made.Blocks[:4] {
		f.Add(b.Header.Height, b.Encode(), b.Certificate.Encode())
	}
	f.Add(uint64(1), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, height uint64, block, certificate []byte) {
		var err error
		fuzzed.Memory(t, len(block)+len(certificate), func() { _, err = decode(height, block, certificate) })
		checkFault(t, height, err)
	})
}

func checkFault(t *testing.T, height uint64, err error) {
	t.Helper()
	fuzzed.Sentence(t, err)
	var fault *validity.Fault
	if err != nil && (!errors.As(err, &fault) || fault.Height != height || fault.Where == "" || fault.What == "") {
		t.Errorf("the error of height %d is no fault: %v", height, err)
	}
}
