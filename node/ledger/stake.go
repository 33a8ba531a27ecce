package ledger

import (
	"bytes"
	"slices"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

// drawDelay is how many heights after it was added a validator is first drawn:
// long enough that nobody can foresee the seed and choose a VRF key by it.
const drawDelay = 16

// changeStake adds, changes or removes a validator, with effect two heights on.
func (t *Trial) changeStake(r *types.Record) error {
	list := t.newest()
	i, known := slices.BinarySearchFunc(list, r.Validator, func(v types.Validator, key types.PublicKey) int {
		return bytes.Compare(v.Key[:], key[:])
	})
	var err error
	switch {
	case !known && r.Stake == 0:
		err = refuse("validator", "%s is no validator: there is nothing to remove", r.Validator.Short())
	case !known:
		err = t.checkNew(r, list)
	default:
		err = checkSame(r, list[i])
	}
	if err == nil {
		err = checkStakes(r, list, known)
	}
	if err != nil {
		return err
	}
	list = slices.Clone(list)
	switch {
	case !known:
		list = slices.Insert(list, i, types.Validator{
			Name: r.Name, Key: r.Validator, VRFKey: r.VRFKey, Stake: r.Stake, DrawFrom: t.height + drawDelay,
		})
	case r.Stake == 0:
		list = slices.Delete(list, i, i+1)
		t.dismiss(r.Validator)
	default:
		list[i].Stake = r.Stake
	}
	t.validators = list
	t.use(r)
	return nil
}

// newest returns the validators of height+2 of this block, ascending by key.
func (t *Trial) newest() []types.Validator {
	if t.validators == nil {
		return t.state.newest.List()
	}
	return t.validators
}

// isNewest reports whether key is a validator two heights on.
func (t *Trial) isNewest(key types.PublicKey) bool {
	if t.validators == nil {
		_, ok := t.state.newest.Find(key)
		return ok
	}
	return slices.ContainsFunc(t.validators, func(v types.Validator) bool { return v.Key == key })
}

// checkNew checks a validator that is to be added.
func (t *Trial) checkNew(r *types.Record, list []types.Validator) error {
	if len(list) == types.MaxValidators {
		return refuse("validator", "would be one too many: a network has at most %d validators", types.MaxValidators)
	}
	if err := checkVRFKey(r); err != nil {
		return err
	}
	for _, v := range list {
		if v.Name == r.Name {
			return refuse("name", "is %q: another validator has it, %s", r.Name, v.Key.Short())
		}
		if v.VRFKey == r.VRFKey {
			return refuse("vrfKey", "is that of validator %q: each must have its own", v.Name)
		}
	}
	if _, ok := t.Guest(r.Validator); ok {
		return refuse("validator", "is the session key of a guest in the draw: a validator must have its own key")
	}
	return nil
}

func checkVRFKey(r *types.Record) error {
	if err := lottery.CheckVRFKey(lottery.VRFPublicKey(r.VRFKey)); err != nil {
		return refuse("vrfKey", "is %v", err)
	}
	return nil
}

// checkSame checks that a record means the validator that has its key.
func checkSame(r *types.Record, v types.Validator) error {
	if r.Name != v.Name {
		return refuse("name", "is %q: the validator with this key is %q, and its name stays", r.Name, v.Name)
	}
	if r.VRFKey != v.VRFKey {
		return refuse("vrfKey", "is not that of validator %q, which stays: remove it and add another to change keys", v.Name)
	}
	return nil
}

// checkStakes checks the stakes that there would be.
func checkStakes(r *types.Record, list []types.Validator, known bool) error {
	if known && r.Stake == 0 && len(list) == 1 {
		return refuse("stake", "is 0: %q is the last validator, and without any stake the network would stand still for ever", r.Name)
	}
	total := r.Stake
	for _, v := range list {
		if v.Key != r.Validator {
			total += v.Stake
		}
	}
	if total > types.MaxAmount {
		return refuse("stake", "is %d: all stakes together would be %d, and may be %d at most", r.Stake, total, types.MaxAmount)
	}
	return nil
}
