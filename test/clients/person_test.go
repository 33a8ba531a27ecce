package clients_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/posnet/posnet/test/await"
)

// person is somebody at a console: what is typed goes in, what is shown adds up.
type person struct {
	t   *testing.T
	in  io.Writer
	end func() // hangs up
	eof func() // ends what is typed, where a program goes on for that; may be nil

	mu    sync.Mutex
	shown strings.Builder
	ended bool
	gone  chan struct{} // closed when no more will be shown
}

// sit begins to read what a console shows. hear is told of every piece; it may
// be nil.
func sit(t *testing.T, in io.Writer, out io.Reader, end func(), hear func(p *person)) *person {
	p := &person{t: t, in: in, end: end, gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		piece := make([]byte, 4096)
		for {
			n, err := out.Read(piece)
			p.mu.Lock()
			p.shown.Write(piece[:n])
			p.ended = err != nil
			p.mu.Unlock()
			if hear != nil {
				hear(p)
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		end()
		<-p.gone
	})
	return p
}

// dial connects like the simplest of all clients.
func dial(t *testing.T, address string, hear func(p *person)) *person {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return sit(t, c, c, func() { c.Close() }, hear)
}

// run connects by a program that copies both ways, as nc does.
func run(t *testing.T, name string, args ...string) *person {
	t.Helper()
	c := exec.Command(name, args...)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		in.Close()
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()
	})
	p := sit(t, in, out, end, nil)
	p.eof = func() { in.Close() } // nc stays while somebody may still type
	return p
}

// text is all that was shown so far.
func (p *person) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

func (p *person) types(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("type %q: %v", line, err)
	}
}

// winnerLine is what a console says of each block.
var winnerLine = regexp.MustCompile(`\nwinning validator: ([^\n]*)\n`)

// chainLine is what it shows every 30 s.
var chainLine = regexp.MustCompile(`\n\[[^\n]*\]\n`)

// dialogue is what was shown without the news of blocks.
func (p *person) dialogue() string {
	return chainLine.ReplaceAllString(winnerLine.ReplaceAllString(p.text(), ""), "")
}

// winners are those that were shown so far.
func (p *person) winners() []string {
	var out []string
	for _, m := range winnerLine.FindAllStringSubmatch(p.text(), -1) {
		out = append(out, m[1])
	}
	return out
}

// sees waits until the dialogue is, byte for byte, what it should be. While a
// line of news has come in part only, it is not.
func (p *person) sees(want string) {
	p.t.Helper()
	await.True(p.t, "the dialogue", func() error {
		return same(p.dialogue(), want)
	})
}

// seesEnd waits until the console has hung up.
func (p *person) seesEnd() {
	p.t.Helper()
	if p.eof != nil {
		p.eof()
	}
	await.True(p.t, "the console hangs up", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.ended {
			return errors.New("it goes on")
		}
		return nil
	})
}

var guestLine = regexp.MustCompile(`You are guest ([0-9a-f]{64}) with a balance of ([0-9]+), `)

// enters gives a balance and waits for the first question; it returns the
// session's key.
func (p *person) enters(balance string) string {
	p.t.Helper()
	p.types(balance)
	var key string
	await.True(p.t, "the greeting", func() error {
		found := guestLine.FindStringSubmatch(p.text())
		if found == nil || found[2] != balance {
			return fmt.Errorf("got %q", p.text())
		}
		key = found[1]
		return nil
	})
	return key
}
