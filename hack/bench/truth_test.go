package main

import (
	"strings"
	"testing"
	"time"
)

// lanesWith makes lanes that sent so many records and saw some committed.
func lanesWith(sent int, committed func(lane, k int) bool) []*lane {
	var lanes []*lane
	for i := range nodeCount {
		l := &lane{sent: make([]time.Time, sent+10), done: make([]time.Time, sent+10)}
		for k := range l.done {
			if k < sent {
				l.sent[k] = origin
			}
			if committed(i, k) {
				l.done[k] = origin
			}
		}
		lanes = append(lanes, l)
	}
	return lanes
}

func TestCommittedPerAccount(t *testing.T) {
	a := mustAccounts(t)
	counts, err := committedPerAccount(a, lanesWith(300, func(lane, k int) bool { return lane != 2 && k < 255 }))
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	if sum != 3*255 || counts[0] != 2 || counts[2] != 0 || counts[999] != 1 {
		t.Errorf("%d in all; accounts 0, 2, 999: %d, %d, %d", sum, counts[0], counts[2], counts[999])
	}
}

func TestCommittedPerAccountRefuses(t *testing.T) {
	a := mustAccounts(t)
	for want, committed := range map[string]func(lane, k int) bool{
		"account 1: the record with nonce 1 is committed, that with 0 is not": func(lane, k int) bool { return lane == 1 && k == 250 },
		"with nonce 1 is committed that was not sent":                         func(lane, k int) bool { return k <= 300 },
	} {
		if _, err := committedPerAccount(a, lanesWith(300, committed)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
