package heights

import (
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// ParticipantsKey is the key of the list of participants with a hash.
func ParticipantsKey(hash types.Hash) []byte { return append([]byte{KeyParticipants}, hash[:]...) }

// EncodeParticipants returns the bytes that DecodeParticipants reads.
func EncodeParticipants(list []ledger.Participant) []byte {
	e := types.NewEncoder("", 4+72*len(list))
	e.Uint32(uint32(len(list)))
	for i := range list {
		e.Fixed(list[i].ID[:])
		e.Uint64(list[i].Weight)
		e.Fixed(list[i].Host[:])
	}
	return e.Data()
}

// ParticipantsHash is the hash under which a list of participants is kept: that of
// its bytes.
func ParticipantsHash(list []ledger.Participant) types.Hash {
	return types.SumHash(EncodeParticipants(list))
}

// DecodeParticipants reads a list of participants that fills raw.
func DecodeParticipants(raw []byte) ([]ledger.Participant, error) {
	d := types.NewDecoder(raw)
	list := make([]ledger.Participant, d.Count(72, lottery.MaxParticipants))
	for i := range list {
		d.Fixed(list[i].ID[:])
		list[i].Weight = d.Uint64()
		d.Fixed(list[i].Host[:])
		list[i].Guest = list[i].ID != list[i].Host
	}
	return list, d.Finish()
}
