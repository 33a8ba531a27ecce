package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble"
)

// account is what a key has, and how many transfers it has paid.
type account struct {
	balance int64
	paid    uint64
}

const accountSize = 16

func (a account) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(a.balance)), a.paid)
}

func decodeAccount(b []byte) account {
	return account{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])}
}

// head is how far a ledger is.
type head struct {
	height    int64
	initial   int64  // what every account begins with
	transfers uint64 // in all blocks
	digest    [sha256.Size]byte
}

const headSize = 3*8 + sha256.Size

// headKey is told from the keys of accounts by its length.
var headKey = []byte("head")

func (h head) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(h.height))
	b = binary.BigEndian.AppendUint64(b, uint64(h.initial))
	return append(binary.BigEndian.AppendUint64(b, h.transfers), h.digest[:]...)
}

func decodeHead(b []byte) head {
	return head{
		height: int64(binary.BigEndian.Uint64(b)), initial: int64(binary.BigEndian.Uint64(b[8:])),
		transfers: binary.BigEndian.Uint64(b[16:]), digest: [sha256.Size]byte(b[24:]),
	}
}

// ledger is the accounts, in memory and in Pebble.
type ledger struct {
	head     head
	accounts map[key]account
	changed  map[key]struct{} // since the last commit
	db       *pebble.DB
}

func openLedger(dir string) (*ledger, error) {
	db, err := pebble.Open(dir, &pebble.Options{})
	if err != nil {
		return nil, err
	}
	l := &ledger{accounts: map[key]account{}, changed: map[key]struct{}{}, db: db}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), db.Close())
	}
	return l, nil
}

func (l *ledger) load() error {
	all, err := l.db.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := all.First(); ok; ok = all.Next() {
		k, v := all.Key(), all.Value()
		switch {
		case len(k) == len(key{}) && len(v) == accountSize:
			l.accounts[key(k)] = decodeAccount(v)
		case len(v) == headSize:
			l.head = decodeHead(v)
		default:
			return errors.Join(fmt.Errorf("a value of %d bytes is nothing that was written", len(v)), all.Close())
		}
	}
	return all.Close()
}

func (l *ledger) account(k key) account {
	if a, known := l.accounts[k]; known {
		return a
	}
	return account{balance: l.head.initial}
}

// book carries a transfer out, if the payer has so much.
func (l *ledger) book(t transfer) bool {
	from := l.account(t.from)
	if from.balance < 0 || uint64(from.balance) < t.amount {
		return false
	}
	from.balance -= int64(t.amount)
	from.paid++
	l.accounts[t.from] = from
	to := l.account(t.to)
	to.balance += int64(t.amount)
	l.accounts[t.to] = to
	l.changed[t.from], l.changed[t.to] = struct{}{}, struct{}{}
	l.head.transfers++
	return true
}

// commit writes all changes at once, and waits until they are on the disk.
func (l *ledger) commit() error {
	b := l.db.NewBatch()
	for k := range l.changed {
		if err := b.Set(k[:], l.accounts[k].encode(), nil); err != nil {
			return err
		}
	}
	if err := b.Set(headKey, l.head.encode(), nil); err != nil {
		return err
	}
	clear(l.changed)
	return b.Commit(pebble.Sync)
}

func (l *ledger) close() error { return l.db.Close() }
