package burst_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/rpc/burst"
)

// pipe notes each write that reaches it.
type pipe struct {
	net.Conn
	writes []string
	err    error
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.writes = append(p.writes, string(b))
	return len(b), nil
}

func write(t *testing.T, c *burst.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

func TestHold(t *testing.T) {
	p := &pipe{}
	c := burst.New(p)
	write(t, c, "at once")
	c.Hold()
	write(t, c, "to")
	write(t, c, "gether")
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil { // nothing to send
		t.Fatal(err)
	}
	write(t, c, "at once again")
	if got := strings.Join(p.writes, "|"); got != "at once|together|at once again" {
		t.Errorf("the writes are %s", got)
	}
}

// However much is written, nothing is lost or reordered, and little is held.
func TestHoldMuch(t *testing.T) {
	p := &pipe{}
	c := burst.New(p)
	c.Hold()
	var want bytes.Buffer
	for i, n := range []int{1, 16 << 10, 5, 1 << 20, 16<<10 - 1, 2, 0, 7} {
		text := strings.Repeat(string(rune('a'+i)), n)
		want.WriteString(text)
		write(t, c, text)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if strings.Join(p.writes, "") != want.String() {
		t.Error("what came out is not what went in")
	}
	if len(p.writes) > 7 {
		t.Errorf("%d writes", len(p.writes))
	}
}

func TestErrorsAreSeen(t *testing.T) {
	broken := errors.New("broken")
	p := &pipe{err: broken}
	c := burst.New(p)
	c.Hold()
	write(t, c, "held")
	if err := c.Flush(); err != broken {
		t.Errorf("Flush: %v", err)
	}
	c.Hold()
	write(t, c, "held")
	if _, err := c.Write(make([]byte, 1<<20)); err != broken {
		t.Errorf("Write: %v", err)
	}
}
