package console_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/posnet/posnet/node/console"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// FuzzSession types arbitrary bytes into a real session and hangs up: the node
// is asked for just those readings that were typed, what is said is text, and
// whoever was in the draw has left it.
func FuzzSession(f *testing.F) {
	node := newFake()
	address, stop := start(f, node, console.Options{})
	f.Cleanup(stop)
	for _, typed := range []string{
		"", "100\n60\n", "100\r\n 61 \r\n62", "1000\n9007199254740991\n", "1001\n", "0\n", "100\n-1\n60\n", "100\n1e3\n", "abc\n", "\x1b[2J\n", "100\n\xff\xfe\n",
		"\xff\xfb\x01100\n60\n", "100\n" + strings.Repeat("7", 1100) + "\n", "100\n\n", "\x00\n",
	} {
		f.Add([]byte(typed))
	}
	f.Fuzz(func(t *testing.T, typed []byte) {
		const most = 50 // readings, as many as are taken at once
		if len(typed) > 8<<10 || strings.Count(string(typed), "\n") > most {
			return
		}
		var said []byte
		fuzzed.Once(t, 1<<20, func() { said = play(t, address, typed) })
		if !utf8.Valid(said) || strings.ContainsFunc(string(said), func(c rune) bool { return unicode.IsControl(c) && c != '\n' }) {
			t.Errorf("%q is answered with %q", typed, said)
		}
		want := readings(string(typed))
		eventually(t, "the entries", func() bool { return len(node.entered()) == len(want) })
		for i, e := range node.entered() {
			if e.balance != want[i].balance || e.bpm != want[i].bpm || e.session.Public() != node.entered()[0].session.Public() {
				t.Errorf("%q makes the node take %+v, want %+v", typed, e, want[i])
			}
		}
		if len(want) > 0 {
			eventually(t, "the leave", func() bool { return node.hasLeft(node.entered()[0].session.Public()) })
		}
		node.forget()
	})
}

// play types, hangs up, and returns what the console said.
func play(t *testing.T, address string, typed []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write(typed) // it may be cut off
	_ = c.(*net.TCPConn).CloseWrite()
	said, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("%q: after %q: %v", typed, said, err)
	}
	return said
}

// readings says, in another way than the console, what a text enters.
func readings(typed string) (list []entry) {
	var balance uint64
	for i, line := range strings.SplitAfter(typed, "\n") {
		low, high := uint64(1), uint64(1000)
		if i > 0 {
			low, high = 0, types.MaxAmount
		}
		n, err := types.ParseWhole(strings.TrimSpace(line), low)
		if !strings.HasSuffix(line, "\n") || len(line) > 1024 || err != nil || n > high {
			return list
		}
		if i == 0 {
			balance = n
			continue
		}
		list = append(list, entry{balance: balance, bpm: n})
	}
	return list
}
