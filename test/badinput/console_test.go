package badinput_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/posnet/posnet/test/processes"
)

// consoleLines are what no person should type: each ends the session with a
// sentence, and nobody has entered the draw by it.
func consoleLines(t *testing.T, n *processes.Network) {
	const asked = "Enter token balance:"
	for _, typed := range []string{
		"ten\n", "\n", "0\n", "-5\n", "1.5\n", "1e3\n", "1001\n", "99999999999999999999999\n", "\x00\xff\x1b[2J\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("9", 1<<20),
	} {
		want := fmt.Sprintf("\nThe balance is %s: it must be a whole number from 1 to 1000. Goodbye.\n", shown(typed))
		if len(typed) > 1024 {
			want = "\nThe line has more than 1024 bytes: it must be a whole number. Goodbye.\n"
		}
		if got := exchange(t, n.Nodes[0].Config.Listen.Console, typed); got != asked+want {
			t.Errorf("typed %.40q\n got %q\nwant %q", typed, got, asked+want)
		}
	}
}

// shown is what a console makes of a line.
func shown(typed string) string {
	line, _, _ := strings.Cut(typed, "\n")
	return fmt.Sprintf("%+q", strings.TrimSpace(line))
}

// halfOpenConsole is people who say nothing, or half a word, and some who
// vanish.
func halfOpenConsole(t *testing.T, n *processes.Network) {
	at := n.Nodes[1].Config.Listen.Console
	dialMany(t, at, "")
	dialMany(t, at, "10")
	for range many {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).SetLinger(0); err != nil { // hung up with a reset
			t.Fatal(err)
		}
		c.Close()
	}
	if got, want := exchange(t, at, "ten\n"), "Enter token balance:\nThe balance is \"ten\": it must be a whole number from 1 to 1000. Goodbye.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
