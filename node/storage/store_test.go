package storage

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/posnet/posnet/node/types"
	"pgregory.net/rapid"
)

func TestEmptyStore(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		checkHolds(t, s, 0)
		for _, h := range []uint64{0, 1, 1 << 63} {
			if _, _, err := s.Block(h); !errors.Is(err, ErrNotFound) {
				t.Errorf("block %d of an empty store: %v", h, err)
			}
		}
		if _, _, ok, err := s.Place(types.Hash{}); ok || err != nil {
			t.Errorf("an empty store holds a record: %v", err)
		}
		if _, ok, err := s.Aux(nil); ok || err != nil {
			t.Errorf("an empty store holds an entry: %v", err)
		}
		if len(stateOf(t, s)) > 0 {
			t.Error("an empty store has state")
		}
		checkHolds(t, open().Store, 0)
	})
}

func TestCommitAndReopen(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		for _, head := range []uint64{1, 2, 40} {
			s := open().Store
			commitUpTo(t, s, head)
			checkHolds(t, s, head)
			checkHolds(t, open().Store, head)
		}
	})
}

func TestCommitOutOfOrder(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		for _, h := range []uint64{2, 3} {
			wantError(t, s.Commit(height(h)), fmt.Sprintf("height %d does not follow", h), "height 0")
		}
		commitUpTo(t, s, 3)
		for _, h := range []uint64{0, 1, 3, 5} {
			wantError(t, s.Commit(height(h)), fmt.Sprintf("height %d does not follow", h), "height 3")
		}
		checkHolds(t, s, 3)
		commitUpTo(t, s, 4) // a refused height does no harm
	})
}

// Several heights are stored together or not at all.
func TestCommitOfSeveralHeights(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.Commit(height(1), height(2), height(4)), "height 4 does not follow", "height 2")
		wantError(t, s.Commit(height(1), Commit{}), "height 0 does not follow")
		genesis := Commit{State: []Change{{Key: []byte("a"), Value: []byte("1")}}}
		wantError(t, s.Commit(genesis, height(1)), "height 0 is stored alone")
		checkHolds(t, s, 0)
		if err := s.Commit(height(1), height(2), height(3)); err != nil {
			t.Fatal(err)
		}
		checkHolds(t, s, 3)
		checkHolds(t, open().Store, 3)
	})
}

func TestStateOfGenesis(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		wantError(t, s.Commit(Commit{Block: []byte("x")}), "height 0 has state only")
		genesis := Commit{State: []Change{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b"), Value: []byte{}}}}
		if err := s.Commit(genesis); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.Commit(genesis), "stored already")
		s = open().Store
		if state := stateOf(t, s); len(state) != 2 || state["a"] != "1" {
			t.Errorf("state of genesis: %v", state)
		}
		commitUpTo(t, s, 1)
		if state := stateOf(t, s); len(state) != 4 {
			t.Errorf("state after height 1: %v", state)
		}
	})
}

func TestChangesDeleteAndKeepEmpty(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		c := height(1)
		c.State = []Change{{Key: []byte("gone"), Value: []byte("1")}, {Key: nil, Value: []byte("no key")}, {Key: []byte("empty"), Value: []byte{}}}
		c.Aux = c.State
		if err := s.Commit(c); err != nil {
			t.Fatal(err)
		}
		c = height(2)
		c.State = []Change{{Key: []byte("gone")}, {Key: []byte("never there")}}
		c.Aux = c.State
		if err := s.Commit(c); err != nil {
			t.Fatal(err)
		}
		s = open().Store
		state := stateOf(t, s)
		if v, ok := state["empty"]; len(state) != 2 || state[""] != "no key" || !ok || v != "" {
			t.Errorf("state %v", state)
		}
		if _, ok, _ := s.Aux([]byte("gone")); ok {
			t.Error("a deleted entry is there")
		}
		if v, ok, _ := s.Aux([]byte("empty")); !ok || len(v) > 0 {
			t.Error("an empty entry is not there")
		}
	})
}

func TestBlocksInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		commitUpTo(t, s, 300) // beyond 255, where only big-endian keys stay in order
		for _, from := range []uint64{0, 1, 255, 256, 300, 301, 1 << 63} {
			next, limit := max(from, 1), 7
			err := s.Blocks(from, func(h uint64, block, certificate []byte) bool {
				if h != next || string(block) != fmt.Sprintf("block %d", h) || string(certificate) != fmt.Sprintf("certificate %d", h) {
					t.Fatalf("from %d: %d, %q, %q; want height %d", from, h, block, certificate, next)
				}
				next, limit = next+1, limit-1
				return limit > 0
			})
			if want := max(max(from, 1), min(max(from, 1)+7, 301)); err != nil || next != want {
				t.Errorf("from %d: ended before %d, want %d; %v", from, next, want, err)
			}
		}
	})
}

func TestAuxRange(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		var all []Change
		for _, key := range []string{"a", "seed/1", "seed/2", "seed/3", "seed0", "\xff", "\xff\xff", "\xff\xff1"} {
			all = append(all, Change{Key: []byte(key), Value: []byte("of " + key)})
		}
		if err := s.Put(all...); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			prefix, from string
			limit        int
			want         string
		}{
			{"seed/", "", 9, "seed/1 seed/2 seed/3"},
			{"seed/", "", 2, "seed/1 seed/2"},
			{"seed/", "2", 9, "seed/2 seed/3"},
			{"seed/", "15", 1, "seed/2"},
			{"seed/", "4", 9, ""},
			{"seed/", "", 0, ""},
			{"\xff", "", 9, "\xff \xff\xff \xff\xff1"},
			{"\xff\xff", "1", 9, "\xff\xff1"},
			{"", "", 1, "a"},
			{"", "seed/3", 2, "seed/3 seed0"},
		} {
			list, err := s.AuxRange([]byte(c.prefix), []byte(c.from), c.limit)
			var got []string
			for _, e := range list {
				if string(e.Value) != "of "+string(e.Key) {
					t.Errorf("entry %q has value %q", e.Key, e.Value)
				}
				got = append(got, string(e.Key))
			}
			if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", words(c.want)) {
				t.Errorf("range %q from %q of %d: %q, %v; want %q", c.prefix, c.from, c.limit, got, err, c.want)
			}
		}
	})
}

func words(s string) (out []string) {
	for w := range bytes.FieldsSeq([]byte(s)) {
		out = append(out, string(w))
	}
	return out
}

// What comes out belongs to the caller, and what goes in is not kept.
func TestSlicesAreCopies(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		c := height(1)
		if err := s.Commit(c); err != nil {
			t.Fatal(err)
		}
		put := Change{Key: []byte("key"), Value: []byte("value")}
		if err := s.Put(put); err != nil {
			t.Fatal(err)
		}
		block, certificate, _ := s.Block(1)
		value, _, _ := s.Aux([]byte("key"))
		list, _ := s.AuxRange([]byte("key"), nil, 1)
		for _, b := range [][]byte{c.Block, c.Certificate, c.State[0].Value, c.Aux[0].Value, put.Value, block, certificate, value, list[0].Value} {
			clear(b)
		}
		_ = append(block, "overwrites?"...)
		checkHolds(t, s, 1)
		if v, _, _ := s.Aux([]byte("key")); string(v) != "value" {
			t.Errorf("an entry changed with a slice of ours: %q", v)
		}
	})
}

func TestLargeBlock(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		c := height(1)
		c.Block = bytes.Repeat([]byte("0123456789abcdef"), types.MaxBlockBytes/16)
		if err := s.Commit(c); err != nil {
			t.Fatal(err)
		}
		commitUpTo(t, s, 2)
		s = open().Store
		if block, certificate, err := s.Block(1); err != nil || !bytes.Equal(block, c.Block) || !bytes.Equal(certificate, c.Certificate) {
			t.Errorf("a block of %d bytes came back with %d: %v", len(c.Block), len(block), err)
		}
	})
}

func TestStateStopsAtAnError(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		commitUpTo(t, s, 5)
		stop, calls := errors.New("stop"), 0
		if err := s.State(func(_, _ []byte) error { calls++; return stop }); err != stop || calls != 1 {
			t.Errorf("%d calls, error %v", calls, err)
		}
	})
}

func TestClosedStoreWritesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		data := open()
		for range 2 {
			if err := data.Close(); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, data.Store.Put(Change{Key: []byte("a"), Value: []byte("b")}), "closed")
		wantError(t, data.Store.Commit(height(1)), "closed")
		wantError(t, data.SignLog.Append(SignEntry{Height: 1}), "closed")
	})
}

func TestReadersBesideTheWriter(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *Data) {
		s := open().Store
		const heights = 100
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for head := s.Head(); head < heights; head = s.Head() {
					if head == 0 {
						continue
					}
					if _, _, err := s.Block(head); err != nil {
						t.Errorf("block %d at the head: %v", head, err)
						return
					}
					count := uint64(0)
					if err := s.Blocks(1, func(uint64, []byte, []byte) bool { count++; return true }); err != nil || count < head {
						t.Errorf("%d blocks at head %d: %v", count, head, err)
						return
					}
				}
			})
		}
		commitUpTo(t, s, heights)
		readers.Wait()
	})
}

// TestMemoryAndDiskAgree does the same random things to both.
func TestMemoryAndDiskAgree(t *testing.T) {
	key := rapid.SliceOfN(rapid.ByteRange(0, 3), 0, 3)
	change := rapid.Custom(func(t *rapid.T) Change {
		c := Change{Key: key.Draw(t, "key")}
		if rapid.Bool().Draw(t, "set") {
			c.Value = rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "value")
		}
		return c
	})
	changes := rapid.SliceOfN(change, 0, 5)
	rapid.Check(t, func(rt *rapid.T) {
		memory, reopen := NewMemory().Store, kinds["disk in memory"](t)
		disk := reopen().Store
		rt.Repeat(map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				c := height(rapid.Uint64Range(0, memory.Head()+2).Draw(rt, "height"))
				c.State, c.Aux = changes.Draw(rt, "state"), changes.Draw(rt, "aux")
				if c.Height == 0 {
					c = Commit{State: c.State, Aux: c.Aux}
				}
				sameError(rt, memory.Commit(c), disk.Commit(c))
			},
			"commit several": func(rt *rapid.T) {
				var group []Commit
				for n := range rapid.Uint64Range(0, 3).Draw(rt, "heights") {
					group = append(group, height(memory.Head()+1+n))
					group[n].State, group[n].Aux = changes.Draw(rt, "state"), changes.Draw(rt, "aux")
				}
				sameError(rt, memory.Commit(group...), disk.Commit(group...))
			},
			"put": func(rt *rapid.T) {
				aux := changes.Draw(rt, "aux")
				sameError(rt, memory.Put(aux...), disk.Put(aux...))
			},
			"reopen": func(*rapid.T) { disk = reopen().Store },
			"range": func(rt *rapid.T) {
				prefix, from, limit := key.Draw(rt, "prefix"), key.Draw(rt, "from"), rapid.IntRange(0, 9).Draw(rt, "limit")
				a, err1 := memory.AuxRange(prefix, from, limit)
				b, err2 := disk.AuxRange(prefix, from, limit)
				sameError(rt, err1, err2)
				if fmt.Sprint(a) != fmt.Sprint(b) {
					rt.Fatalf("memory %v, disk %v", a, b)
				}
			},
			"": func(rt *rapid.T) {
				if a, b := dump(t, memory), dump(t, disk); a != b {
					rt.Fatalf("memory holds\n%s\ndisk holds\n%s", a, b)
				}
			},
		})
	})
}

func sameError(t *rapid.T, a, b error) {
	if (a == nil) != (b == nil) {
		t.Fatalf("memory says %v, disk %v", a, b)
	}
}

// dump writes all that a store holds.
func dump(t testing.TB, s Store) string {
	out := fmt.Sprintln("head", s.Head())
	err := s.Blocks(0, func(h uint64, block, certificate []byte) bool {
		out += fmt.Sprintf("%d %s %s\n", h, block, certificate)
		for _, id := range height(h).Records {
			at, index, ok, err := s.Place(id)
			out += fmt.Sprintln(id.Short(), at, index, ok, err)
		}
		return true
	})
	aux, err2 := s.AuxRange(nil, nil, 1000)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return out + fmt.Sprintln(stateOf(t, s), aux)
}
