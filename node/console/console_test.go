package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/node/console"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func start(t testing.TB, f *fake, o console.Options) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- console.New(f, o).Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		select {
		case err := <-stopped:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the console does not stop")
		}
	}
}

func serve(t *testing.T, f *fake, o console.Options) string {
	t.Helper()
	address, stop := start(t, f, o)
	t.Cleanup(stop)
	return address
}

// person is what nc does: text in, text out.
type person struct {
	t *testing.T
	*net.TCPConn
	in *bufio.Reader
}

func connect(t *testing.T, address string) *person {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &person{t, c.(*net.TCPConn), bufio.NewReader(c)}
}

// reads checks that exactly want comes next.
func (p *person) reads(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(p.in, got); err != nil || string(got) != want {
		p.t.Fatalf("read %q, want %q (%v)", got[:n], want, err)
	}
}

// readsTo returns what comes up to and with end.
func (p *person) readsTo(end string) string {
	p.t.Helper()
	var got strings.Builder
	for !strings.HasSuffix(got.String(), end) {
		b, err := p.in.ReadByte()
		if err != nil {
			p.t.Fatalf("read %q, want %q at its end (%v)", got.String(), end, err)
		}
		got.WriteByte(b)
	}
	return got.String()
}

// readsRest returns what comes until the console closes.
func (p *person) readsRest() string {
	p.t.Helper()
	rest, err := io.ReadAll(p.in)
	if err != nil {
		p.t.Fatalf("read %q: %v", rest, err)
	}
	return string(rest)
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.TCPConn, text); err != nil {
		p.t.Fatal(err)
	}
}

// enters brings the person into the draw and returns the entry.
func (p *person) enters(f *fake, balance string) entry {
	p.t.Helper()
	before := len(f.entered())
	p.reads("Enter token balance:")
	p.types(balance + "\n")
	p.readsTo("\nEnter a new BPM:")
	p.types("60\n")
	p.reads("\nEnter a new BPM:")
	eventually(p.t, "the entry", func() bool { return len(f.entered()) > before })
	return f.entered()[before]
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func TestGuestPlays(t *testing.T) {
	f := newFake()
	p := connect(t, serve(t, f, console.Options{}))
	p.reads("Enter token balance:")
	p.types("100\n")
	greeting := p.readsTo("\nEnter a new BPM:")
	p.types("  61 \r\n") // as telnet sends it
	p.reads("\nEnter a new BPM:")
	p.types("62\n")
	p.reads("\nEnter a new BPM:")

	entries := f.entered()
	if len(entries) != 2 || entries[0].balance != 100 || entries[0].bpm != 61 || entries[1].bpm != 62 || entries[1].balance != 100 {
		t.Fatalf("the node was asked for %+v", entries)
	}
	key := entries[0].session.Public()
	if key != entries[1].session.Public() {
		t.Error("the session changed its key")
	}
	want := "You are guest " + key.String() + " with a balance of 100, one of at most 10 guests. You see who wins each block, and every 30s the newest 100 blocks.\n\nEnter a new BPM:"
	if greeting != want {
		t.Errorf("greeting %q, want %q", greeting, want)
	}

	other := connect(t, p.RemoteAddr().String())
	other.reads("Enter token balance:")
	f.commit(alice, 0)
	p.reads("\nwinning validator: alice\n")
	other.reads("\nwinning validator: alice\n")
	f.commit(key, 62)
	p.reads("\nwinning validator: " + key.String() + " (you!)\n")
	other.reads("\nwinning validator: " + key.String() + "\n")
	if f.hasLeft(key) {
		t.Error("the guest was taken out of the draw while there")
	}
}

func TestWrongInput(t *testing.T) {
	for _, test := range []struct{ balance, bpm, want string }{
		{"ten", "", `The balance is "ten": it must be a whole number from 1 to 1000.`},
		{"", "", `The balance is "": it must be a whole number from 1 to 1000.`},
		{"0", "", `The balance is "0": it must be a whole number from 1 to 1000.`},
		{"-5", "", `The balance is "-5": it must be a whole number from 1 to 1000.`},
		{"1.5", "", `The balance is "1.5": it must be a whole number from 1 to 1000.`},
		{"1e2", "", `The balance is "1e2": it must be a whole number from 1 to 1000.`},
		{"1001", "", `The balance is "1001": it must be a whole number from 1 to 1000.`},
		{"99999999999999999999999", "", `The balance is "99999999999999999999999": it must be a whole number from 1 to 1000.`},
		{"\x00\xff\x1b[31m", "", `The balance is "\x00\xff\x1b[31m": it must be a whole number from 1 to 1000.`},
		{strings.Repeat("9", 100), "", `The balance is "9999999999999999999999999999999999999999"…: it must be a whole number from 1 to 1000.`},
		{strings.Repeat("9", 2000), "", `The line has more than 1024 bytes: it must be a whole number.`},
		{"100", "fast", `The BPM is "fast": it must be a whole number from 0 to 9007199254740991.`},
		{"100", "9007199254740992", `The BPM is "9007199254740992": it must be a whole number from 0 to 9007199254740991.`},
		{"100", "-1", `The BPM is "-1": it must be a whole number from 0 to 9007199254740991.`},
	} {
		t.Run(strings.ToValidUTF8(test.balance[:min(8, len(test.balance))]+" "+test.bpm, "?"), func(t *testing.T) {
			f := newFake()
			p := connect(t, serve(t, f, console.Options{}))
			p.reads("Enter token balance:")
			p.types(test.balance + "\n")
			if test.bpm != "" {
				p.readsTo("\nEnter a new BPM:")
				p.types(test.bpm + "\n")
			}
			if got, want := p.readsRest(), "\n"+test.want+" Goodbye.\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if len(f.entered()) > 0 {
				t.Errorf("the node was asked for %+v", f.entered())
			}
		})
	}
}

// Somebody who sends more than is read still gets the sentence.
func TestWrongInputWithMoreBehind(t *testing.T) {
	p := connect(t, serve(t, newFake(), console.Options{}))
	p.types("ten\n" + strings.Repeat("and so on\n", 10_000))
	want := "Enter token balance:\nThe balance is \"ten\": it must be a whole number from 1 to 1000. Goodbye.\n"
	if got := p.readsRest(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSessionsEndAndLeaveTheDraw(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, p *person){
		"wrong word": func(t *testing.T, p *person) { p.types("fast\n") },
		"end of input": func(t *testing.T, p *person) {
			if err := p.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		},
		"reset": func(t *testing.T, p *person) {
			if err := p.SetLinger(0); err != nil {
				t.Fatal(err)
			}
			p.Close()
		},
		"half a line": func(t *testing.T, p *person) {
			p.types("6")
			p.Close()
		},
		"endless line": func(t *testing.T, p *person) { p.types(strings.Repeat("1", 1<<16)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			p := connect(t, serve(t, f, console.Options{}))
			e := p.enters(f, "100")
			end(t, p)
			eventually(t, "the guest leaves the draw", func() bool { return f.hasLeft(e.session.Public()) })
		})
	}
}

func TestIdleSessionEnds(t *testing.T) {
	f := newFake()
	p := connect(t, serve(t, f, console.Options{IdleTimeout: 50 * time.Millisecond}))
	p.reads("Enter token balance:")
	if got, want := p.readsRest(), "\nNothing was typed for 50ms. Goodbye.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStopEndsSessions(t *testing.T) {
	f := newFake()
	address, stop := start(t, f, console.Options{})
	p := connect(t, address)
	e := p.enters(f, "100")
	stop()
	if got, want := p.readsRest(), "\nThe node stops. Goodbye.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !f.hasLeft(e.session.Public()) {
		t.Error("the guest is still in the draw")
	}
}

// A person who does not read is dropped, and others notice nothing.
func TestSlowReaderIsDropped(t *testing.T) {
	f := newFake()
	address := serve(t, f, console.Options{WriteTimeout: 50 * time.Millisecond})
	slow, other := connect(t, address), connect(t, address)
	if err := slow.SetReadBuffer(1024); err != nil {
		t.Fatal(err)
	}
	e := slow.enters(f, "100")
	other.reads("Enter token balance:")
	eventually(t, "the slow reader is dropped", func() bool {
		for range 200 {
			f.commit(alice, 0)
			other.reads("\nwinning validator: alice\n")
		}
		return f.hasLeft(e.session.Public())
	})
	f.commit(alice, 0)
	other.reads("\nwinning validator: alice\n")
}

func TestChainIsPrinted(t *testing.T) {
	f := newFake()
	for range 130 {
		f.commit(alice, 0)
	}
	p := connect(t, serve(t, f, console.Options{ChainInterval: 20 * time.Millisecond}))
	e := p.enters(f, "5")
	last := f.commit(e.session.Public(), 77)
	for {
		text := strings.TrimSpace(p.readsTo("\n"))
		if !strings.HasPrefix(text, "[") {
			continue
		}
		var chain []struct {
			Index, BPM                           uint64
			Timestamp, PrevHash, Validator, Hash string
		}
		if err := json.Unmarshal([]byte(text), &chain); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if newest := chain[len(chain)-1]; newest.Index == 131 {
			if len(chain) != 100 || chain[0].Index != 32 || chain[0].Validator != "alice" {
				t.Errorf("%d blocks from %d on, won by %s", len(chain), chain[0].Index, chain[0].Validator)
			}
			if newest.BPM != 77 || newest.Validator != e.session.Public().String() || newest.Hash != last.Header.Hash().String() ||
				newest.PrevHash != last.Header.Prev.String() || newest.Timestamp != "2026-01-01T00:00:00.000000000Z" {
				t.Errorf("the newest block is shown as %+v", newest)
			}
			return
		}
	}
}

func TestEmptyChainIsPrinted(t *testing.T) {
	p := connect(t, serve(t, newFake(), console.Options{ChainInterval: time.Millisecond}))
	p.reads("Enter token balance:\n[]\n")
}

func TestGuestsOff(t *testing.T) {
	f := newFake()
	f.limits = console.Limits{}
	p := connect(t, serve(t, f, console.Options{ChainInterval: time.Hour}))
	p.reads("Guests are switched off on this network: you can watch who wins each block, and every 1h0m0s the newest 100 blocks, but not take part in the draw.\n")
	p.types("100\nfast\n")
	f.commit(alice, 0)
	p.reads("\nwinning validator: alice\n")
	if len(f.entered()) > 0 {
		t.Errorf("the node was asked for %+v", f.entered())
	}
}

func TestRefusedGuest(t *testing.T) {
	f := newFake()
	f.enter = func(uint64, uint64) error { return errFull }
	p := connect(t, serve(t, f, console.Options{}))
	p.reads("Enter token balance:")
	p.types("100\n60\n")
	p.readsTo("\nEnter a new BPM:")
	if got, want := p.readsRest(), "\nYou cannot take part: "+errFull.Error()+". Goodbye.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A guest that is in stays in when a reading cannot be taken.
func TestRefusedReading(t *testing.T) {
	f := newFake()
	f.enter = func(_, bpm uint64) error {
		if bpm == 61 {
			return errors.New("the pool is full: try again later")
		}
		return nil
	}
	p := connect(t, serve(t, f, console.Options{}))
	p.enters(f, "100")
	p.types("61\n")
	p.reads("\nThis BPM was not taken: the pool is full: try again later.\n\nEnter a new BPM:")
	p.types("62\n")
	p.reads("\nEnter a new BPM:")
	if got := f.entered(); len(got) != 2 || got[1].bpm != 62 {
		t.Errorf("the node was asked for %+v", got)
	}
}

func TestTooManySessions(t *testing.T) {
	f := newFake()
	address := serve(t, f, console.Options{MaxSessions: 1})
	first := connect(t, address)
	e := first.enters(f, "100")
	want := "There are 1 sessions already, as many as this console takes: try again later, or on another node.\n"
	if got := connect(t, address).readsRest(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	first.Close()
	eventually(t, "the first leaves", func() bool { return f.hasLeft(e.session.Public()) })
	connect(t, address).reads("Enter token balance:")
}

func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := console.New(newFake(), console.Options{}).Serve(context.Background(), l); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got %v, want an error that names %s", err, l.Addr())
	}
}
