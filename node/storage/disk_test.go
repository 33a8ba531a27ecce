package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// hookedFS asks before each operation that changes something on the disk.
type hookedFS struct {
	vfs.FS
	before func() error
}

type hookedFile struct {
	vfs.File
	before func() error
}

func (h *hookedFS) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &hookedFile{f, h.before}, nil
}

func (h *hookedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := h.before(); err != nil {
		return nil, err
	}
	return h.file(h.FS.Create(name, c))
}

func (h *hookedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return h.file(h.FS.OpenReadWrite(name, c, o...))
}

func (h *hookedFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := h.before(); err != nil {
		return nil, err
	}
	return h.file(h.FS.ReuseForWrite(from, to, c))
}

func (h *hookedFS) OpenDir(name string) (vfs.File, error) { return h.file(h.FS.OpenDir(name)) }

func (h *hookedFS) Rename(from, to string) error {
	if err := h.before(); err != nil {
		return err
	}
	return h.FS.Rename(from, to)
}

func (f *hookedFile) Write(b []byte) (int, error) {
	if err := f.before(); err != nil {
		return 0, err
	}
	return f.File.Write(b)
}

func (f *hookedFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.before(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, at)
}

func (f *hookedFile) Sync() error {
	if err := f.before(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *hookedFile) SyncData() error {
	if err := f.before(); err != nil {
		return err
	}
	return f.File.SyncData()
}

// script does what a validator does for some heights: it signs, commits, one
// height or several at a time, and prunes. It counts what was acknowledged.
type script struct{ signed, committed atomic.Uint64 }

func (s *script) run(disk vfs.FS, heights uint64) error {
	data, err := OpenOn(disk, "/data", testIdentity, testLogger)
	if err != nil {
		return err
	}
	err = s.heights(data, heights)
	return errors.Join(err, data.Close())
}

func (s *script) heights(data *Data, heights uint64) error {
	var group []Commit
	for h := data.Store.Head() + 1; h <= heights; h++ {
		if err := data.SignLog.Append(vote(h, 1), vote(h, 2)); err != nil {
			return err
		}
		s.signed.Store(h)
		if group = append(group, height(h)); groupEnd(h) > h {
			continue
		}
		if err := data.Store.Commit(group...); err != nil {
			return err
		}
		group = nil
		s.committed.Store(h)
		if err := data.SignLog.Prune(h); err != nil {
			return err
		}
	}
	return nil
}

// groupEnd returns the height with which the script commits a height: each third
// one with the one after it.
func groupEnd(h uint64) uint64 {
	if h%3 == 0 {
		return h + 1
	}
	return h
}

// check opens a data folder and reports what of the acknowledged it has lost.
func check(disk vfs.FS, dir string, signed, committed uint64) error {
	data, err := OpenOn(disk, dir, testIdentity, testLogger)
	if err != nil {
		return err
	}
	defer data.Close()
	head := data.Store.Head()
	if head != committed && head != groupEnd(committed+1) {
		return fmt.Errorf("the head is %d after %d was acknowledged", head, committed)
	}
	if head > 0 {
		if block, _, err := data.Store.Block(head); err != nil || string(block) != string(height(head).Block) {
			return fmt.Errorf("block %d is %q, %w", head, block, err)
		}
	}
	entries, err := data.SignLog.Entries()
	if err != nil {
		return err
	}
	last := uint64(0)
	for _, e := range entries {
		last = max(last, e.Height)
	}
	// After a power cut an entry that was not acknowledged may be there in part:
	// then the log is in doubt, and fresh.
	if last < signed || last > signed+1 || len(entries)%2 != 0 || last == 0 && !data.SignLog.Fresh() {
		return fmt.Errorf("the sign log has %d entries up to height %d after %d was acknowledged; fresh: %v", len(entries), last, signed, data.SignLog.Fresh())
	}
	return nil
}

// TestPowerCutAtEveryWrite cuts the power before every single write: what was
// synced is on the disk, and of the rest nothing, or any part.
func TestPowerCutAtEveryWrite(t *testing.T) {
	disk := vfs.NewCrashableMem()
	var s script
	var mu sync.Mutex
	cuts := 0
	hooked := &hookedFS{FS: disk, before: func() error {
		mu.Lock()
		defer mu.Unlock()
		cuts++
		signed, committed := s.signed.Load(), s.committed.Load()
		for _, percent := range []int{0, 50} {
			source := rand.New(rand.NewPCG(uint64(cuts), uint64(percent)))
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: source})
			if err := check(clone, "/data", signed, committed); err != nil {
				t.Errorf("power cut before write %d, %d%% of the unsynced kept: %v", cuts, percent, err)
			}
		}
		return nil
	}}
	for _, heights := range []uint64{3, 3, 6} { // with restarts between
		if err := s.run(hooked, heights); err != nil {
			t.Fatal(err)
		}
	}
	if cuts < 50 {
		t.Errorf("only %d writes: is the hook still called?", cuts)
	}
}

// TestDiskFailsAtEveryWrite lets the disk fail for good before every single
// write: an error comes out, no panic and no hang, and once the disk is well
// again all that was acknowledged is there.
func TestDiskFailsAtEveryWrite(t *testing.T) {
	t.Parallel()
	inChild(t, everyWrite)
}

func failAtEveryWrite() error {
	for failAt, done := 1, false; !done; failAt++ {
		disk := vfs.NewMem()
		var s script
		var writes atomic.Int64
		hooked := &hookedFS{FS: disk, before: func() error {
			if writes.Add(1) >= int64(failAt) {
				return syscall.ENOSPC
			}
			return nil
		}}
		err := s.run(hooked, 4)
		done = writes.Load() < int64(failAt)
		if !done && !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("the disk failed at write %d, which gave: %w", failAt, err)
		}
		if done && err != nil {
			return fmt.Errorf("the disk did not fail, which gave: %w", err)
		}
		if err := check(disk, "/data", s.signed.Load(), s.committed.Load()); err != nil {
			return fmt.Errorf("the disk failed at write %d: %w", failAt, err)
		}
	}
	return nil
}

// TestDiskFailsWhileOpened lets the disk fail before every single write of a start
// after a power cut, when there is work to be made up for: an error comes out
// then too, and once the disk is well again all is there. With enough starts
// before it, a compaction is part of that work, on a goroutine of its own.
func TestDiskFailsWhileOpened(t *testing.T) {
	for _, before := range []int{0, filesToCompact - 1} {
		t.Run(fmt.Sprintf("after %d starts", before), func(t *testing.T) {
			t.Parallel()
			inChild(t, strconv.Itoa(before))
		})
	}
}

// failingChild, where set, tells the test binary to be the process in which a disk
// fails, and how: at every write, or while a folder is opened, after so many
// starts. Where that happens what was opened so far is left as it is.
const (
	failingChild = "POSNET_STORAGE_TEST_FAILING"
	everyWrite   = "every write"
)

func inChild(t *testing.T, how string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), failingChild+"="+how)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// beFailingChild ends the process: with 1 after it has told what is wrong.
func beFailingChild() {
	var err error
	switch how := os.Getenv(failingChild); how {
	case "":
		return
	case everyWrite:
		err = failAtEveryWrite()
	default:
		var before int
		if before, err = strconv.Atoi(how); err == nil {
			err = failWhileOpened(before)
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func failWhileOpened(before int) error {
	cut, committed, err := powerCut(before)
	if err != nil {
		return err
	}
	tries := 1
	if before > 0 {
		tries = 4 // the compaction and the start run side by side, never twice alike
	}
	for failAt := int64(1); ; failAt++ {
		survived := false
		for range tries {
			if survived, err = openFailing(cut.CrashClone(vfs.CrashCloneCfg{}), failAt, committed); err != nil {
				return fmt.Errorf("the disk failed at write %d: %w", failAt, err)
			}
		}
		if survived && failAt < 8 {
			return fmt.Errorf("only %d writes: is the hook still called?", failAt-1)
		}
		if survived {
			return nil
		}
	}
}

// powerCut returns a disk as a power cut left it in the midst of a group of
// heights, so many starts after it was new, and how many heights are on it.
func powerCut(before int) (cut *vfs.MemFS, committed uint64, err error) {
	disk := vfs.NewCrashableMem()
	var s script
	for range before {
		committed += 3
		if err := s.run(disk, committed); err != nil {
			return nil, 0, err
		}
		committed = s.committed.Load()
	}
	committed = groupEnd(committed + 3)
	hooked := &hookedFS{FS: disk, before: func() error {
		if s.committed.Load() >= committed && cut == nil { // heights are committed in groups
			cut = disk.CrashClone(vfs.CrashCloneCfg{})
		}
		return nil
	}}
	if err := s.run(hooked, committed+2); err != nil || cut == nil {
		return nil, 0, fmt.Errorf("nothing was written: %w", err)
	}
	return cut, committed, nil
}

// openFailing opens a folder while the disk fails for good at a write, and again
// when it is well; it reports whether it was opened the first time too.
func openFailing(disk *vfs.MemFS, failAt int64, committed uint64) (survived bool, err error) {
	var writes atomic.Int64
	data, err := OpenOn(&hookedFS{FS: disk, before: func() error {
		if writes.Add(1) >= failAt {
			return syscall.EIO
		}
		return nil
	}}, "/data", testIdentity, testLogger)
	if err == nil {
		data.Close() // which the disk lets fail
	} else if !errors.Is(err, syscall.EIO) {
		return false, fmt.Errorf("which gave: %w", err)
	}
	return err == nil, check(disk, "/data", committed, committed)
}

// After a failure nothing more is written, even if the disk is well again:
// nobody knows what the failed write left behind.
func TestNothingIsWrittenAfterAFailure(t *testing.T) {
	var failing atomic.Bool
	disk := &hookedFS{FS: vfs.NewMem(), before: func() error {
		if failing.Load() {
			return syscall.EIO
		}
		return nil
	}}
	data, err := OpenOn(disk, "/data", testIdentity, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	commitUpTo(t, data.Store, 3)
	appendVotes(t, data.SignLog, 1, 3)
	failing.Store(true)
	wantError(t, data.Store.Commit(height(4)), "cannot store height 4 in /data/chain", "the node must stop", "input/output error")
	wantError(t, data.SignLog.Append(vote(4, 1)), "cannot write the sign log /data/sign.log", "must not vote", "input/output error")
	failing.Store(false)
	wantError(t, data.Store.Commit(height(4)), "cannot store height 4", "input/output error")
	wantError(t, data.Store.Put(Change{Key: []byte("a")}), "the node must stop", "input/output error")
	wantError(t, data.SignLog.Append(vote(4, 1)), "must not vote", "input/output error")
	wantError(t, data.SignLog.Prune(4), "must not vote", "input/output error")
	if head := data.Store.Head(); head != 3 {
		t.Errorf("the head moved to %d", head)
	}
	if block, _, err := data.Store.Block(3); err != nil || string(block) != "block 3" {
		t.Errorf("reads end with the writes: %q, %v", block, err)
	}
}
