package main

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// The ledger's entries of accounts and of what was minted, as its package comment
// has them.
const (
	metaKey    = 'm'
	accountKey = 'a'
)

// other is one of the accounts that hold a token each and do nothing.
func other(i int) types.Account {
	return types.KeyedAccount(types.PublicKey(types.SumHash(binary.BigEndian.AppendUint64([]byte("account"), uint64(i)))))
}

// seedAccounts writes the data folder of a node that never ran: the state of its
// genesis, with n accounts more that hold a token each.
func seedAccounts(p *nodes.Process, n int) error {
	state, err := ledger.New(p.Setup.Genesis)
	if err != nil {
		return err
	}
	changes := make([]storage.Change, 0, n+len(state.Entries()))
	for _, e := range state.Entries() {
		if len(e.Key) == 1 && e.Key[0] == metaKey {
			e.Value = minted(e.Value, uint64(n))
		}
		changes = append(changes, storage.Change(e))
	}
	value := binary.BigEndian.AppendUint64(nil, 1) // the balance, and no nonce
	value = binary.BigEndian.AppendUint64(value, 0)
	const keyBytes = 2 + len(types.PublicKey{})
	keys := make([]byte, 0, n*keyBytes)
	for i := range n {
		key, _ := other(i).Key()
		keys = append(append(keys, accountKey, byte(types.Keyed)), key[:]...)
		changes = append(changes, storage.Change{Key: keys[len(keys)-keyBytes:], Value: value})
	}
	data, err := storage.OpenOn(hasty{vfs.Default}, p.Data(), p.Setup.Identity(), nil)
	if err != nil {
		return err
	}
	return errors.Join(data.Store.Commit(storage.Commit{State: changes}), data.Close())
}

// minted is the ledger's first entry when more tokens were minted: their number is
// its end.
func minted(meta []byte, more uint64) []byte {
	meta = slices.Clone(meta)
	at := len(meta) - 8
	binary.BigEndian.PutUint64(meta[at:], binary.BigEndian.Uint64(meta[at:])+more)
	return meta
}
