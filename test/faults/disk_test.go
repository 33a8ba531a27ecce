package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/processes"
)

// fillDisk lets something else fill the disk of a node that runs. It ends, says
// why, ends again while there is no room, and goes on where there is.
func fillDisk(a *arena) {
	const why = "no space left on device"
	victim := a.any(1)[0]
	a.kill(victim)
	disk, ok := mountDisk(a.t, victim)
	if !ok {
		a.restartTrapped(victim, failpoint.Disk, 1+a.random.IntN(200), failpoint.Full)
		a.fails(victim, why)
		return
	}
	a.restart(victim)
	a.grow(victim)
	disk.fill()
	a.fails(victim, why)
	a.restart(victim)
	a.fails(victim, why)
	disk.free()
	a.restart(victim)
	a.grow(victim)
	a.kill(victim)
	disk.leave()
}

// lockDisk starts a node on a disk that can only be read, as systems leave one
// after it failed.
func lockDisk(a *arena) {
	const why = "read-only file system"
	victim := a.any(1)[0]
	a.kill(victim)
	disk, ok := mountDisk(a.t, victim)
	if !ok {
		a.restartTrapped(victim, failpoint.Disk, 1, failpoint.ReadOnly)
		a.fails(victim, why)
		return
	}
	disk.remount(true)
	a.restart(victim)
	a.fails(victim, why)
	disk.remount(false)
	disk.leave()
}

// damageFile spoils one file of a node that is gone. The node goes on with what
// it has or says what to do, which is done: at its end, or where it finds out long
// after the start to whoever asks for what is damaged.
func damageFile(a *arena) {
	victim := a.any(1)[0]
	a.kill(victim)
	name, what := damage(a.t, a.random, victim)
	a.t.Logf("  %s of %s: %s", name, victim.Name, what)
	if name == signLog {
		a.signed.loses(a.t, a.ear, victim)
	}
	a.restart(victim)
	err := a.serves(victim)
	if err == nil {
		return
	}
	if refused := (*client.Error)(nil); errors.As(err, &refused) && strings.Contains(refused.Message, "remove") {
		a.t.Logf("  %s says: %s", victim.Name, refused.Message)
		a.kill(victim)
		a.lose(victim)
		return
	}
	a.ends(victim, fmt.Sprintf("it cannot serve with a damaged file (%v)", err))
	if code, words := victim.ExitCode(), victim.LastWords(); code != 1 || !strings.Contains(words, "remove") && !strings.Contains(words, "an empty") {
		a.t.Errorf("%s ended with code %d and said %s: it should have told what to do", victim.Name, code, words)
	}
	a.lose(victim)
}

// serves waits until a node that was started with a damaged file has ended, or is
// as well as any. Then it reads all that the node has. Its error is what the node
// failed with.
func (a *arena) serves(p *processes.Process) error {
	a.t.Helper()
	err := a.awaitStatus(p, func(s message.Status) error {
		if !s.Voting {
			return errors.New("it does not vote")
		}
		return nil
	})
	if err != nil {
		if p.Runs() {
			a.t.Fatal(err)
		}
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err = readAll(ctx, p); err != nil && ctx.Err() != nil {
		a.t.Fatal(err)
	}
	return err
}

// readAll reads all blocks that a node has now: it may make new ones as fast as
// they are read.
func readAll(ctx context.Context, p *processes.Process) error {
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Status(ctx)
	for start := uint64(0); err == nil && start < s.Height; {
		var page message.Blocks
		page, err = c.Blocks(ctx, client.BlocksArgs{Start: int64(start), Limit: message.MaxBlocks})
		start = page.Next
	}
	return err
}

// damage spoils one file in one way.
func damage(t *testing.T, random *rand.Rand, p *processes.Process) (name, what string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(p.Data(), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != "LOCK" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has %d files (%v)", p.Name, len(files), err)
	}
	path := files[random.IntN(len(files))]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch at := random.IntN(len(data) + 1); random.IntN(4) {
	case 0:
		data, what = data[:at], "cut off"
	case 1:
		data, what = slices.Concat(data[:at], make([]byte, min(512, len(data)-at)), data[min(len(data), at+512):]), "a sector of zeros"
	case 2:
		if at < len(data) {
			data[at] ^= 1 << random.IntN(8)
		}
		what = "a bit flipped"
	case 3:
		what = "gone"
		err = os.Remove(path)
	}
	if what != "gone" {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path), what
}
