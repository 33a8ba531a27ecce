package faults_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/processes"
)

// The file of a sign log, as package storage describes it, written down once
// more: what is compared with the ear does not come from the code under test.
const (
	signLog     = "sign.log"
	signHeader  = 128
	signSaltAt  = 16
	signFrame   = 12
	signPadding = 4
)

// signKinds are the kinds of entry that are a message of a place of its own.
var signKinds = map[byte]string{1: "proposal", 2: "prevote", 3: "precommit"}

// readSigned returns what stands in the sign log of a node that does not run, and
// the lowest height in it.
func readSigned(t *testing.T, p *processes.Process) (signed map[place]types.Hash, lowest uint64) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(p.Data(), signLog))
	if os.IsNotExist(err) {
		return nil, 0 // it was gone before it had one
	}
	if err != nil {
		t.Fatal(err)
	}
	signed, lowest = map[place]types.Hash{}, ^uint64(0)
	table := crc32.MakeTable(crc32.Castagnoli)
	salt := crc32.Checksum(file[signSaltAt:signSaltAt+8], table)
	for at := signHeader; at+signFrame <= len(file); {
		size := int(binary.BigEndian.Uint32(file[at:]))
		if size == 0 || at+signFrame+size > len(file) {
			break
		}
		payload := file[at+signFrame : at+signFrame+size]
		if binary.BigEndian.Uint32(file[at+4:]) != crc32.Update(salt, table, payload) {
			break // killed as it wrote
		}
		at += signFrame + size + -size&(signPadding-1)
		for len(payload) > 0 {
			height, round, kind := binary.BigEndian.Uint64(payload), binary.BigEndian.Uint32(payload[8:]), payload[12]
			data := payload[17:][:binary.BigEndian.Uint32(payload[13:])]
			payload = payload[17+len(data):]
			lowest = min(lowest, height)
			if name := signKinds[kind]; name != "" {
				signed[place{height: height, round: round, kind: name}] = types.SumHash(data)
			}
		}
	}
	return signed, lowest
}

// ledgers is what the sign logs of all nodes ever held.
type ledgers struct {
	all  map[place]types.Hash
	lost map[types.PublicKey]uint64 // the newest height signed before a sign log was lost
}

func newLedgers() *ledgers {
	return &ledgers{all: map[place]types.Hash{}, lost: map[types.PublicKey]uint64{}}
}

// check reads the sign log of a node that is gone: it contradicts nothing that
// ever stood there, and holds all that the node was heard to say.
func (l *ledgers) check(t *testing.T, e *ear, p *processes.Process) {
	t.Helper()
	self := keyOf(t, p)
	signed, lowest := readSigned(t, p)
	for at, says := range signed {
		at.validator = self
		if before, again := l.all[at]; again && before != says {
			t.Errorf("the sign log of %s now holds another %s than before", p.Name, at)
		}
		l.all[at] = says
	}
	if len(signed) == 0 {
		return
	}
	for at, says := range e.of(self, max(lowest, l.lost[self]+1)) {
		at.validator = types.PublicKey{}
		if signed[at] != says {
			t.Errorf("%s was heard to say its %s, which its sign log does not hold", p.Name, at)
		}
	}
}

// loses notes that a node that is gone is about to lose its sign log.
func (l *ledgers) loses(t *testing.T, e *ear, p *processes.Process) {
	t.Helper()
	self := keyOf(t, p)
	for at := range e.of(self, 0) {
		l.lost[self] = max(l.lost[self], at.height)
	}
}

func keyOf(t *testing.T, p *processes.Process) types.PublicKey {
	t.Helper()
	keys, err := config.LoadKeys(p.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys.Sign.Public()
}
