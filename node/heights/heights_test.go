package heights

import (
	"errors"
	"testing"

	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// store returns a store with handovers at heights 3 and 7.
func store(t *testing.T) (storage.Store, *types.ValidatorSet) {
	t.Helper()
	set, err := types.NewValidatorSet([]types.Validator{{Name: "a", Key: types.PublicKey{1}, VRFKey: types.PublicKey{2}, Stake: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s := storage.NewMemory().Store
	put(t, s, SetKey(set.Hash()), set.Encode())
	for _, height := range []uint64{3, 7} {
		h, c := types.Header{Height: height, NextValidators: set.Hash()}, types.Certificate{Height: height}
		put(t, s, HandoverKey(height), EncodeCertified(&h, c.Encode()))
	}
	return s, set
}

func put(t *testing.T, s storage.Store, key, value []byte) {
	t.Helper()
	if err := s.Put(storage.Change{Key: key, Value: value}); err != nil {
		t.Fatal(err)
	}
}

func TestHandovers(t *testing.T) {
	s, set := store(t)
	for from, want := range map[uint64][]uint64{1: {3, 7}, 3: {3, 7}, 4: {7}, 8: {}} {
		list, err := Handovers(s, from, 10)
		if err != nil || len(list) != len(want) {
			t.Fatalf("from %d: %v, %v", from, list, err)
		}
		for i, h := range list {
			if h.Header.Height != want[i] || h.Certificate.Height != want[i] || h.Set.Hash() != set.Hash() {
				t.Errorf("from %d: number %d is %+v", from, i, h)
			}
		}
	}
	if list, err := Handovers(s, 1, 1); err != nil || len(list) != 1 {
		t.Errorf("one of them: %v, %v", list, err)
	}
}

// What cannot be read, or is not there, is damage.
func TestDamaged(t *testing.T) {
	s, set := store(t)
	put(t, s, SetKey(set.Hash()), []byte{1})
	if _, err := Handovers(s, 1, 10); !errors.Is(err, ErrDamaged) {
		t.Errorf("a set cut off: %v", err)
	}
	put(t, s, SetKey(set.Hash()), nil)
	if _, err := Handovers(s, 1, 10); !errors.Is(err, ErrDamaged) {
		t.Errorf("no set: %v", err)
	}
	if got, err := Set(s, set.Hash()); got != nil || err != nil {
		t.Errorf("no set: %v, %v", got, err)
	}
	s, _ = store(t)
	put(t, s, HandoverKey(7), []byte{1})
	if _, err := Handovers(s, 1, 10); !errors.Is(err, ErrDamaged) {
		t.Errorf("a handover cut off: %v", err)
	}
	s, _ = store(t)
	h := types.Header{Height: 2, NextValidators: set.Hash()}
	put(t, s, HandoverKey(9), EncodeCertified(&h, (&types.Certificate{}).Encode()))
	if list, err := Handovers(s, 1, 10); !errors.Is(err, ErrDamaged) {
		t.Errorf("a handover of another height than it is kept under: %v, %v", list, err)
	}
}
