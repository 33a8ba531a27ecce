package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pruned is what the commit of a height leaves to be let go of.
func pruned(h uint64) Pruned {
	return Pruned{Height: h, Records: height(h).Records, Aux: []Change{{Key: height(h).Aux[0].Key}}}
}

// checkKeeps checks that a store has the heights from oldest on, and nothing of
// those below.
func checkKeeps(t testing.TB, s Store, oldest, head uint64) {
	t.Helper()
	if s.Oldest() != oldest || s.Head() != head {
		t.Fatalf("heights %d to %d, want %d to %d", s.Oldest(), s.Head(), oldest, head)
	}
	next := oldest
	err := s.Blocks(0, func(h uint64, _, _ []byte) bool { next++; return h == next-1 })
	if err != nil || next != head+1 {
		t.Fatalf("the blocks end before %d, want %d: %v", next, head+1, err)
	}
	for h := uint64(1); h <= head; h++ {
		want := height(h)
		if _, _, err := s.Block(h); (err == nil) != (h >= oldest) || err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatalf("block %d: %v", h, err)
		}
		for _, id := range want.Records {
			if _, _, ok, err := s.Place(id); ok != (h >= oldest) || err != nil {
				t.Fatalf("a record of %d: %v, %v", h, ok, err)
			}
		}
		if _, ok, err := s.Aux(want.Aux[0].Key); ok != (h >= oldest) || err != nil {
			t.Fatalf("aux of %d: %v, %v", h, ok, err)
		}
	}
}

func TestPrune(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		wantError(t, s.Prune(pruned(1)), "block 1 cannot be pruned")
		commitUpTo(t, s, 20)
		wantError(t, s.Prune(pruned(2)), "block 2 cannot be pruned: it must be the oldest: that is 1, and the newest, which stays, 20")
		for h := uint64(1); h < 15; h++ {
			if err := s.Prune(pruned(h)); err != nil {
				t.Fatal(err)
			}
			checkKeeps(t, s, h+1, 20)
		}
		s = open().Store
		checkKeeps(t, s, 15, 20)
		commitUpTo(t, s, 21)
		for h := uint64(15); h < 21; h++ {
			if err := s.Prune(pruned(h)); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, s.Prune(pruned(21)), "the newest, which stays, 21")
		s = open().Store
		checkKeeps(t, s, 21, 21)
		commitUpTo(t, s, 22)
		checkKeeps(t, s, 21, 22)
	})
}

func viewOf(t testing.TB, v View) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := v.State(func(key, value []byte) error { out[string(key)] = string(value); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A view is the state as it was, whatever comes after it.
func TestView(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		commitUpTo(t, s, 3)
		want := stateOf(t, s)
		v, err := s.View()
		if err != nil {
			t.Fatal(err)
		}
		commitUpTo(t, s, 9)
		stage(t, s, map[string]string{"other": "state"})
		if err := s.Install(Installed{Height: 10}); err != nil {
			t.Fatal(err)
		}
		commitUpTo(t, s, 12)
		if got := viewOf(t, v); !maps.Equal(got, want) {
			t.Errorf("the view has %v, want %v", got, want)
		}
		errStop := errors.New("stop")
		if err := v.State(func(_, _ []byte) error { return errStop }); !errors.Is(err, errStop) {
			t.Errorf("the error of who looks on: %v", err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func stage(t testing.TB, s Store, entries map[string]string) {
	t.Helper()
	for key, value := range entries {
		if err := s.Stage(Change{Key: []byte(key), Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
}

// A state that is staged shows nowhere until it is installed, and then takes the
// place of all that was there; and that again and again.
func TestInstall(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		commitUpTo(t, s, 7)
		if err := s.Put(Change{Key: []byte("evidence"), Value: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.Install(Installed{Height: 7}), "height 7 cannot take the place of one of height 7")
		stage(t, s, map[string]string{"left": "over"})
		checkHolds(t, s, 7)
		s = open().Store
		checkHolds(t, s, 7)
		for _, at := range []uint64{20, 40, 60} {
			if err := s.Unstage(); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"height": fmt.Sprint(at), "account 3": "new"}
			stage(t, s, want)
			err := s.Install(Installed{Height: at, Drop: [][]byte{[]byte("seed/")}, Aux: []Change{{Key: []byte("base"), Value: fmt.Append(nil, at)}}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got := stateOf(t, s); !maps.Equal(got, want) {
					t.Fatalf("the state is %v, want %v", got, want)
				}
				checkKeeps(t, s, at+1, at)
				if v, _, _ := s.Aux([]byte("base")); string(v) != fmt.Sprint(at) {
					t.Fatalf("the base is %s, want %d", v, at)
				}
				if _, ok, _ := s.Aux([]byte("evidence")); !ok {
					t.Fatal("other entries are gone too")
				}
				s = open().Store
			}
			wantError(t, s.Commit(height(at)), "does not follow the last")
			wantError(t, s.Commit(Commit{State: []Change{{Key: []byte("k"), Value: []byte("v")}}}), "height 0")
			commitUpTo(t, s, at+5)
			if err := s.Prune(pruned(at + 1)); err != nil {
				t.Fatal(err)
			}
			checkKeeps(t, s, at+2, at+5)
			s = open().Store
			checkKeeps(t, s, at+2, at+5)
		}
	})
}

// Whenever the power is cut, an installed state is there whole or not at all.
func TestInstallAndPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	data := openMem(t, disk)
	s := data.Store
	commitUpTo(t, s, 7)
	cut := func(unsynced int) Store {
		again, err := OpenOn(disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, uint64(unsynced)))}), "/data", testIdentity, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { again.Close() })
		return again.Store
	}
	want := map[string]string{}
	for i := range 100 {
		want[fmt.Sprint("account ", i)] = "installed"
	}
	stage(t, s, want)
	checkHolds(t, cut(0), 7)
	checkHolds(t, cut(100), 7)
	if err := s.Install(Installed{Height: 20}); err != nil {
		t.Fatal(err)
	}
	after := cut(0)
	if got := stateOf(t, after); after.Head() != 20 || !maps.Equal(got, want) {
		t.Errorf("height %d with %d entries", after.Head(), len(got))
	}
	commitUpTo(t, s, 30)
	for h := uint64(21); h < 25; h++ {
		if err := s.Prune(pruned(h)); err != nil {
			t.Fatal(err)
		}
	}
	for _, unsynced := range []int{0, 100} {
		if after := cut(unsynced); after.Head() != 30 || after.Oldest() < 21 || after.Oldest() > 25 {
			t.Errorf("heights %d to %d", after.Oldest(), after.Head())
		}
	}
}
