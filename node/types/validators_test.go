package types

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func validator(i int, stake uint64) Validator {
	return Validator{Name: fmt.Sprintf("v%d", i), Key: NewPrivateKey([32]byte{byte(i + 1)}).Public(), VRFKey: PublicKey{byte(i), 1}, Stake: stake, DrawFrom: 1}
}

func setOf(t testing.TB, stakes ...uint64) *ValidatorSet {
	t.Helper()
	var list []Validator
	for i, s := range stakes {
		list = append(list, validator(i, s))
	}
	set, err := NewValidatorSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestQuorumAgreesWithCounting holds the quorum against fractions of exact
// numbers: more than two thirds, more than one third.
func TestQuorumAgreesWithCounting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stakes := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(1, 5), rapid.Uint64Range(1, MaxAmount/10)), 1, 10).Draw(rt, "stakes")
		set := setOf(t, stakes...)
		total, some := new(big.Int), new(big.Int)
		var stake uint64
		for i, s := range stakes {
			total.Add(total, new(big.Int).SetUint64(s))
			if rapid.Bool().Draw(rt, fmt.Sprintf("%d takes part", i)) {
				stake += s
				some.Add(some, new(big.Int).SetUint64(s))
			}
		}
		share := new(big.Rat).SetFrac(some, total)
		if set.Total() != total.Uint64() || set.IsQuorum(stake) != (share.Cmp(big.NewRat(2, 3)) > 0) || set.IsBlocking(stake) != (share.Cmp(big.NewRat(1, 3)) > 0) {
			rt.Fatalf("%v of %v: quorum %v, blocking %v", some, total, set.IsQuorum(stake), set.IsBlocking(stake))
		}
		// Two quorums share more than a third: so they share an honest validator.
		if set.IsQuorum(stake) && set.IsQuorum(set.Total()-stake) {
			rt.Fatal("two quorums have no validator in common")
		}
	})
}

func TestQuorumAtTheEdge(t *testing.T) {
	set := setOf(t, 100, 50, 30, 30, 90) // 300
	for stake, want := range map[uint64]bool{0: false, 199: false, 200: false, 201: true, 300: true} {
		if set.IsQuorum(stake) != want {
			t.Errorf("%d of 300 is a quorum: %v", stake, !want)
		}
	}
	for stake, want := range map[uint64]bool{0: false, 100: false, 101: true} {
		if set.IsBlocking(stake) != want {
			t.Errorf("%d of 300 is more than a third: %v", stake, !want)
		}
	}
	if largest := setOf(t, MaxAmount); !largest.IsQuorum(MaxAmount) || largest.IsQuorum(MaxAmount/3) {
		t.Error("the largest stake overflows")
	}
}

// The order in which validators are given does not matter.
func TestValidatorSetHasOneOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := []Validator{validator(0, 5), validator(1, 6), validator(2, 7), validator(3, 8)}
		given := rapid.Permutation(list).Draw(rt, "order")
		before := slices.Clone(given)
		a, err := NewValidatorSet(given)
		if err != nil || !slices.Equal(before, given) {
			rt.Fatalf("the caller's list was sorted, or %v", err)
		}
		b := setOf(t, 5, 6, 7, 8)
		if a.Hash() != b.Hash() || !slices.Equal(a.List(), b.List()) || a.Len() != 4 {
			rt.Fatal("two orders make two sets")
		}
		for i := range a.Len() {
			v := a.At(i)
			if at, ok := a.Find(v.Key); !ok || at != i {
				rt.Fatalf("%s is found at %d, not at %d", v.Name, at, i)
			}
			if same, ok := a.ByKey(v.Key); !ok || same != v {
				rt.Fatalf("%s is found as %v", v.Name, same)
			}
			if i > 0 && a.At(i-1).Key.String() >= v.Key.String() {
				rt.Fatal("not in the order of the keys")
			}
		}
		a.List()[0].Stake = 1
		if a.At(0).Stake == 1 {
			rt.Fatal("List gives the set away")
		}
		if _, ok := a.ByKey(PublicKey{}); ok {
			rt.Fatal("a stranger is a validator")
		}
	})
}

// Every field of every validator is in the hash.
func TestValidatorSetHash(t *testing.T) {
	seen := map[Hash]string{setOf(t, 5, 6).Hash(): "unchanged"}
	for name, change := range map[string]func(*Validator){
		"name": func(v *Validator) { v.Name += "x" }, "key": func(v *Validator) { v.Key[31]++ }, "VRF key": func(v *Validator) { v.VRFKey[31]++ },
		"stake": func(v *Validator) { v.Stake++ }, "draw from": func(v *Validator) { v.DrawFrom++ },
	} {
		list := []Validator{validator(0, 5), validator(1, 6)}
		change(&list[0])
		set, err := NewValidatorSet(list)
		if err != nil {
			t.Fatal(err)
		}
		if same, ok := seen[set.Hash()]; ok {
			t.Errorf("another %s makes the same hash as %s", name, same)
		}
		seen[set.Hash()] = name
	}
}

func TestBadValidatorSets(t *testing.T) {
	twice := func(change func(*Validator)) []Validator {
		other := validator(1, 6)
		change(&other)
		return []Validator{validator(0, 5), other}
	}
	crowd := make([]Validator, MaxValidators+1)
	for i := range crowd {
		crowd[i] = validator(i, 1)
	}
	const stakes = "stakes are whole numbers from 1, and their sum at most 9007199254740991"
	for _, c := range []struct {
		list []Validator
		want string
	}{
		{nil, "0 validators: a network has 1 to 100"},
		{crowd, "101 validators: a network has 1 to 100"},
		{twice(func(v *Validator) { v.Name = "v0" }), "validator v0 is there twice: names and keys must be unique"},
		{twice(func(v *Validator) { v.Key = validator(0, 5).Key }), "is there twice: names and keys must be unique"},
		{twice(func(v *Validator) { v.VRFKey = validator(0, 5).VRFKey }), "is there twice: names and keys must be unique"},
		{twice(func(v *Validator) { v.Stake = 0 }), "validator v1 has stake 0: " + stakes},
		{twice(func(v *Validator) { v.Stake = MaxAmount + 1 }), "validator v1 has stake 9007199254740992: " + stakes},
		{twice(func(v *Validator) { v.Stake = 1<<64 - 1 }), "validator v1 has stake 18446744073709551615: " + stakes},
		{twice(func(v *Validator) { v.Stake = MaxAmount - 4 }), stakes},
	} {
		if _, err := NewValidatorSet(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := NewValidatorSet(crowd[:MaxValidators]); err != nil {
		t.Errorf("%d validators: %v", MaxValidators, err)
	}
}
