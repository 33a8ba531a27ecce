package message_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzBlock reads arbitrary JSON as what a node answers: what is accepted is
// written, and read as the same, and the claims of it are checked without a
// panic.
func FuzzBlock(f *testing.F) {
	b := block(3)
	set, err := types.NewValidatorSet([]types.Validator{{Name: "alice", Key: types.PublicKey{6}, VRFKey: types.PublicKey{7}, Stake: 10}})
	if err != nil {
		f.Fatal(err)
	}
	b.Header.Validators, b.Header.NextValidators = set.Hash(), set.Hash()
	cert := &types.Certificate{Height: b.Header.Height, Block: b.Header.Hash(), Signatures: []types.CertificateSignature{{Validator: types.PublicKey{6}}}}
	header := message.NewHeader(&b.Header)
	for _, v := range []any{
		message.NewBlock(b, cert, "alice", message.BlockOptions{IDs: true, Certified: true}), message.NewBlock(b, nil, "", message.BlockOptions{}),
		message.Proof{
			ID: b.Records[1].ID(), Height: 9, Index: 1, Count: 3, Root: b.Header.RecordsRoot, Path: types.MerkleProof(b.IDs(), 1),
			Header: header, Certificate: cert, Validators: set.List(),
		},
		message.Handover{Header: header, Certificate: cert, Validators: set.List()},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"items":[{"type":"leave"}],"header":{"proof":"zz"},"certificate":null,"timestamp":"2026-13-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var shown message.Block
		if comesBack(t, text, &shown, &message.Block{}) && shown.Header != nil {
			_, err := shown.Header.Types()
			fuzzed.Sentence(t, err)
		}
		var proof message.Proof
		if comesBack(t, text, &proof, &message.Proof{}) {
			fuzzed.Sentence(t, proof.Verify(types.Hash{1}, set))
		}
		var handover message.Handover
		if comesBack(t, text, &handover, &message.Handover{}) {
			_, err := handover.Verify(types.Hash{1}, set)
			fuzzed.Sentence(t, err)
		}
	})
}

// comesBack reads a value, and again as it is written.
func comesBack(t *testing.T, text []byte, into, again any) bool {
	t.Helper()
	var err error
	fuzzed.Memory(t, len(text), func() { err = json.Unmarshal(text, into) })
	fuzzed.Sentence(t, err)
	if err != nil {
		return false
	}
	written, err := json.Marshal(into)
	if err != nil {
		t.Errorf("%s is accepted, and cannot be written: %v", text, err)
		return false
	}
	if err := json.Unmarshal(written, again); err != nil {
		t.Errorf("%s is accepted, and written as %s, which is not: %v", text, written, err)
	} else if back, err := json.Marshal(again); err != nil || !reflect.DeepEqual(back, written) {
		t.Errorf("%s is accepted, written as %s, and then as %s, %v", text, written, back, err)
	}
	return true
}
