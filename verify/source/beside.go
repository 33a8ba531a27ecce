package source

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// beside looks at what a folder keeps beside its blocks, from which a node answers
// without a look at them: who was drawn from, who won, where a record is.
type beside struct {
	kept   storage.Store
	oldest uint64

	mu     sync.Mutex
	here   types.Hash    // the newest list of participants that was looked at, and is right
	before [2]types.Hash // the newest sets of validators that were
}

// Beside implements Source.
func (f *Folder) Beside(b Block, before *validity.Next) error {
	for _, check := range []func(Block, *validity.Next) error{f.beside.ends, f.beside.info, f.beside.sets, f.beside.handover, f.beside.places} {
		if err := check(b, before); err != nil {
			return err
		}
	}
	return nil
}

// stored is a fault of what is kept of a height.
func stored(height uint64, what, rule string, expected, found any) error {
	return &validity.Fault{Height: height, Where: "stored " + what, What: rule, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)}
}

// unread is one of what should be there, and is not or cannot be read.
func unread(height uint64, what string, err error) error {
	f := &validity.Fault{Height: height, Where: "stored " + what, What: "it is missing"}
	if err != nil {
		f.What = err.Error()
	}
	return f
}

// ends checks that of no height beyond the blocks there is anything: a block goes with
// what is kept of its height, so that where only that is here, a block is missing.
func (k *beside) ends(b Block, before *validity.Next) error {
	var beyond []uint64
	h := b.Block.Header.Height
	if h == k.oldest {
		beyond = append(beyond, h-1)
	}
	if h == k.kept.Head() {
		if err := k.all(before.Network()); err != nil {
			return err
		}
		beyond = append(beyond, h+1)
	}
	for _, height := range beyond {
		if _, ok, err := k.kept.Aux(heights.InfoKey(height)); err != nil || ok {
			return unread(height, "block", err)
		}
	}
	return nil
}

// info checks what draws and winners are answered from.
func (k *beside) info(b Block, before *validity.Next) error {
	h := &b.Block.Header
	found, err := k.infoOf(h.Height)
	if err != nil {
		return err
	}
	want := heights.Info{
		Seed: before.Seed, Participants: found.Participants, Round: h.Round, Winner: h.Winner, Proposer: h.Proposer,
		Hash: h.Hash(), Time: h.Time, Records: h.Records, Total: uint64(h.Records),
	}
	if before.Participants != nil {
		want.Participants = heights.ParticipantsHash(before.Participants)
	}
	if h.Height > k.oldest {
		below, err := k.infoOf(h.Height - 1)
		if err != nil {
			return err
		}
		want.Total += below.Total
	} else if h.Height > 1 {
		want.Total = found.Total // what it counts from is not here
	}
	for _, f := range []struct {
		what        string
		want, found any
	}{
		{"seed", types.Hash(want.Seed), types.Hash(found.Seed)},
		{"hash of the participants", want.Participants, found.Participants},
		{"round", want.Round, found.Round},
		{"winner", want.Winner, found.Winner},
		{"proposer", want.Proposer, found.Proposer},
		{"block's hash", want.Hash, found.Hash},
		{"time", want.Time, found.Time},
		{"number of records", want.Records, found.Records},
		{"number of records so far", want.Total, found.Total},
	} {
		if f.want != f.found {
			return stored(h.Height, f.what, "it is not what the chain says", f.want, f.found)
		}
	}
	return k.participants(h.Height, found.Participants)
}

func (k *beside) infoOf(height uint64) (heights.Info, error) {
	raw, ok, err := k.kept.Aux(heights.InfoKey(height))
	if err != nil || !ok {
		return heights.Info{}, unread(height, "entry of the height", err)
	}
	info, err := heights.DecodeInfo(raw)
	if err != nil {
		return info, unread(height, "entry of the height", err)
	}
	return info, nil
}

// participants checks that a list is there, and the one with the hash.
func (k *beside) participants(height uint64, hash types.Hash) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if hash == k.here {
		return nil
	}
	raw, ok, err := k.kept.Aux(heights.ParticipantsKey(hash))
	if err != nil || !ok {
		return unread(height, "list of participants", err)
	}
	if found := types.SumHash(raw); found != hash {
		return stored(height, "list of participants", "it is another than that of the height", hash, found)
	}
	k.here = hash
	return nil
}

// sets checks that the validators of a height are there, and those of the next.
func (k *beside) sets(b Block, _ *validity.Next) error {
	h := &b.Block.Header
	k.mu.Lock()
	defer k.mu.Unlock()
	both := [2]types.Hash{h.Validators, h.NextValidators}
	if both == k.before {
		return nil
	}
	for _, hash := range both {
		set, err := heights.Set(k.kept, hash)
		if err != nil || set == nil {
			return unread(h.Height, "set of validators", err)
		}
		if found := set.Hash(); found != hash {
			return stored(h.Height, "set of validators", "it is another than that of the height", hash, found)
		}
	}
	k.before = both
	return nil
}

// handover checks that where the validators change there is what proves it, and
// nowhere else.
func (k *beside) handover(b Block, _ *validity.Next) error {
	const what = "handover"
	h := &b.Block.Header
	raw, ok, err := k.kept.Aux(heights.HandoverKey(h.Height))
	switch changed := h.NextValidators != h.Validators; {
	case err != nil, changed && !ok:
		return unread(h.Height, what, err)
	case !changed && ok:
		return stored(h.Height, what, "the validators do not change here", "none", "one")
	case changed && !bytes.Equal(raw, heights.EncodeCertified(h, b.Certificate.Encode())):
		return stored(h.Height, what, "it is not the block's header with its certificate", "", "")
	}
	return nil
}

// all checks by itself each entry that is kept for good and proves what it is by its
// key or by signatures: those of heights whose blocks are gone, too.
func (k *beside) all(network types.Hash) error {
	for _, one := range []struct {
		kind  byte
		right func(key, value []byte) bool
	}{
		{heights.KeyParticipants, func(key, value []byte) bool {
			return bytes.Equal(key, heights.ParticipantsKey(types.SumHash(value)))
		}},
		{heights.KeySet, func(key, value []byte) bool {
			set, err := types.DecodeValidatorSet(value)
			return err == nil && bytes.Equal(key, heights.SetKey(set.Hash()))
		}},
		{heights.KeyEvidence, func(key, value []byte) bool {
			found, err := types.DecodeEvidence(value)
			return err == nil && bytes.Equal(key, heights.EvidenceKey(&found)) && found.Convicts(network)
		}},
	} {
		if err := k.each(one.kind, one.right); err != nil {
			return err
		}
	}
	return nil
}

// each calls right for all entries of a kind.
func (k *beside) each(kind byte, right func(key, value []byte) bool) error {
	const page = 16 // the largest lists of participants take 720 kB each
	for from := []byte(nil); ; {
		list, err := k.kept.AuxRange([]byte{kind}, from, page)
		if err != nil {
			return unread(k.kept.Head(), "entries", err)
		}
		for _, e := range list {
			if !right(e.Key, e.Value) {
				return unread(k.kept.Head(), "entry "+fmt.Sprintf("%.80x", e.Key), errWrong)
			}
		}
		if len(list) < page {
			return nil
		}
		from = append(list[page-1].Key[1:], 0)
	}
}

var errWrong = errors.New("what is kept for good under this key is not what belongs there")

// places checks that each record is found by its id.
func (k *beside) places(b Block, _ *validity.Next) error {
	height := b.Block.Header.Height
	for i, id := range b.Block.IDs() {
		at, index, ok, err := k.kept.Place(id)
		switch what := "place of record "; {
		case err != nil || !ok:
			return unread(height, what+id.String(), err)
		case at != height || index != uint32(i):
			return stored(height, what+id.String(), "it is another", fmt.Sprintf("block %d, number %d", height, i), fmt.Sprintf("block %d, number %d", at, index))
		}
	}
	return nil
}
