package main

import (
	"errors"
	"testing"
	"time"
)

func TestScheduleIsEven(t *testing.T) {
	s := schedule{origin, 1000}
	for i, want := range map[int]time.Duration{0: 0, 1: time.Millisecond, 1000: time.Second, 12345: 12345 * time.Millisecond} {
		if got := s.due(i).Sub(origin); got != want {
			t.Errorf("record %d is due after %v, want %v", i, got, want)
		}
	}
	// No rounding adds up: the thousandth of three a second is due on the dot.
	if got := (schedule{origin, 3}).due(3000).Sub(origin); got != 1000*time.Second {
		t.Errorf("record 3000 of three a second is due after %v", got)
	}
}

func TestKilledLaneIsPassedOver(t *testing.T) {
	gone := errors.New("gone")
	lost := func(mayDie bool) *lane {
		l := &lane{mayDie: mayDie}
		l.lost.Store(&gone)
		return l
	}
	if _, err := sendOne([]*lane{lost(true), lost(true)}, 0); err != errNoLane {
		t.Errorf("all killed: error %v", err)
	}
	if turn, err := sendOne([]*lane{lost(true), lost(false)}, 0); err != gone || turn != 2 {
		t.Errorf("a lane that must live is lost: turn %d, error %v", turn, err)
	}
	if turn, err := sendOne([]*lane{lost(true), {}}, 0); err != errNoTransfers || turn != 2 {
		t.Errorf("the lane after the killed one has nothing to send: turn %d, error %v", turn, err)
	}
}
