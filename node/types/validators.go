package types

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// MaxValidators is how many validators a network may have: each vote of each
// is signed, sent to all and verified by all.
const MaxValidators = 100

// Validator is one member of a validator set.
type Validator struct {
	Name     string    `json:"name"`
	Key      PublicKey `json:"key"`      // signs votes; also its account
	VRFKey   PublicKey `json:"vrfKey"`   // proves the beacon
	Stake    uint64    `json:"stake"`    // tokens, 1 to MaxAmount
	DrawFrom uint64    `json:"drawFrom"` // the first height it can be drawn at
}

// ValidatorSet is the validators of one height, in the order of their keys. It
// does not change once made.
type ValidatorSet struct {
	list  []Validator
	index map[PublicKey]int
	total uint64
	hash  Hash
}

// NewValidatorSet makes a set of 1 to MaxValidators validators with distinct
// keys, VRF keys and names, stakes from 1 and a total of at most MaxAmount.
func NewValidatorSet(validators []Validator) (*ValidatorSet, error) {
	if len(validators) == 0 || len(validators) > MaxValidators {
		return nil, fmt.Errorf("%d validators: a network has 1 to %d", len(validators), MaxValidators)
	}
	s := &ValidatorSet{list: slices.Clone(validators), index: make(map[PublicKey]int, len(validators))}
	slices.SortFunc(s.list, byKey)
	names, vrf := map[string]bool{}, map[PublicKey]bool{}
	e := NewEncoder(validatorsDomain, 128*len(s.list))
	for i, v := range s.list {
		if _, twice := s.index[v.Key]; twice || names[v.Name] || vrf[v.VRFKey] {
			return nil, fmt.Errorf("validator %s is there twice: names and keys must be unique", clip(v.Name))
		}
		if v.Stake == 0 || v.Stake > MaxAmount || s.total+v.Stake > MaxAmount {
			return nil, fmt.Errorf("validator %s has stake %d: stakes are whole numbers from 1, and their sum at most %d", clip(v.Name), v.Stake, MaxAmount)
		}
		s.index[v.Key], names[v.Name], vrf[v.VRFKey] = i, true, true
		s.total += v.Stake
		v.encode(e)
	}
	s.hash = SumHash(e.Data())
	return s, nil
}

func byKey(a, b Validator) int { return bytes.Compare(a.Key[:], b.Key[:]) }

const validatorsDomain = "posnet/validators/v1"

func (v *Validator) encode(e *Encoder) {
	e.Bytes([]byte(v.Name))
	e.Fixed(v.Key[:])
	e.Fixed(v.VRFKey[:])
	e.Uint64(v.Stake)
	e.Uint64(v.DrawFrom)
}

// Encode returns the validator's canonical encoding, as it stands in the state.
func (v *Validator) Encode() []byte {
	e := NewEncoder("", 4+len(v.Name)+32+32+8+8)
	v.encode(e)
	return e.Data()
}

// DecodeValidator reads a validator that fills raw.
func DecodeValidator(raw []byte) (Validator, error) {
	d := NewDecoder(raw)
	v := Validator{Name: string(d.Bytes(MaxNameBytes))}
	d.Fixed(v.Key[:])
	d.Fixed(v.VRFKey[:])
	v.Stake, v.DrawFrom = d.Uint64(), d.Uint64()
	return v, d.Finish()
}

// Encode returns the set's encoding as it is stored: a list of validators, each
// with its length before it.
func (s *ValidatorSet) Encode() []byte {
	e := NewEncoder("", 256*len(s.list))
	e.Uint32(uint32(len(s.list)))
	for i := range s.list {
		e.Bytes(s.list[i].Encode())
	}
	return e.Data()
}

// DecodeValidatorSet reads a set that fills raw, and checks what NewValidatorSet
// checks, and the order.
func DecodeValidatorSet(raw []byte) (*ValidatorSet, error) {
	d := NewDecoder(raw)
	list := make([]Validator, d.Count(4, MaxValidators))
	for i := range list {
		v, err := DecodeValidator(d.Bytes(MaxRecordBytes))
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	if err := d.Finish(); err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(list, byKey) {
		return nil, errors.New("the validators are not in the order of their keys")
	}
	return NewValidatorSet(list)
}

// Len is the number of validators.
func (s *ValidatorSet) Len() int { return len(s.list) }

// At returns the validator at an index from 0 to Len-1.
func (s *ValidatorSet) At(i int) Validator { return s.list[i] }

// List returns the validators in the order of their keys, as a copy.
func (s *ValidatorSet) List() []Validator { return slices.Clone(s.list) }

// Find returns the index of the validator with a key, and whether there is one.
func (s *ValidatorSet) Find(key PublicKey) (int, bool) {
	i, ok := s.index[key]
	return i, ok
}

// ByKey returns the validator with a key, and whether there is one.
func (s *ValidatorSet) ByKey(key PublicKey) (Validator, bool) {
	if i, ok := s.index[key]; ok {
		return s.list[i], true
	}
	return Validator{}, false
}

// Total is the sum of the stakes.
func (s *ValidatorSet) Total() uint64 { return s.total }

// Hash is the SHA-256 of the set's canonical encoding.
func (s *ValidatorSet) Hash() Hash { return s.hash }

// IsQuorum reports whether stake is more than two thirds of the total.
func (s *ValidatorSet) IsQuorum(stake uint64) bool { return 3*stake > 2*s.total }

// IsBlocking reports whether stake is more than a third of the total: among so
// much there is one honest validator, while less than a third misbehaves.
func (s *ValidatorSet) IsBlocking(stake uint64) bool { return 3*stake > s.total }
