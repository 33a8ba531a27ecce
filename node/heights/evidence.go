package heights

import (
	"encoding/binary"

	"github.com/posnet/posnet/node/types"
)

// EvidenceKey is the same for all evidence that a validator contradicted itself
// in one place: a second pair of votes from there proves no more.
func EvidenceKey(one *types.Evidence) []byte {
	first := &one.First
	key := binary.BigEndian.AppendUint64([]byte{KeyEvidence}, first.Height)
	key = binary.BigEndian.AppendUint32(key, first.Round)
	return append(append(key, byte(first.Kind)), first.Validator[:]...)
}
