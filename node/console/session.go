package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/posnet/posnet/node/types"
)

// session is one person. The goroutine that plays reads what is typed; another
// one writes, so that a slow reader delays nobody.
type session struct {
	server  *Server
	conn    net.Conn
	key     types.PrivateKey
	entered bool // the backend was asked to take the guest in

	ctx    context.Context // ends when the session is to end
	cancel context.CancelCauseFunc
	lines  *bufio.Reader
	out    chan string
	last   chan struct{} // closed when no more is said
	wrote  chan struct{} // closed when all is written
}

// errUnread means that the person does not read what is said, or is gone.
var errUnread = errors.New("what is said is not read")

func newSession(ctx context.Context, s *Server, conn net.Conn) *session {
	p := &session{
		server: s, conn: conn, key: types.GenerateKey(), lines: bufio.NewReaderSize(conn, maxLine),
		out: make(chan string, maxUnread), last: make(chan struct{}), wrote: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	go p.write()
	return p
}

// play asks and listens until the session ends.
func (p *session) play() {
	// Whatever ends the session ends the reading.
	defer context.AfterFunc(p.ctx, func() { _ = p.conn.SetReadDeadline(time.Now()) })()
	limits := p.server.backend.Limits()
	if !limits.Guests {
		p.say(fmt.Sprintf("Guests are switched off on this network: you can watch who wins each block, and %s, but not take part in the draw.\n", p.chainPromise()))
	}
	if sentence := p.farewell(p.takePart(limits)); sentence != "" {
		p.say("\n" + sentence + " Goodbye.\n")
	}
}

// farewell says why a session ends; nothing to somebody who left.
func (p *session) farewell(err error) string {
	var wrong *wrongInput
	switch {
	case errors.Is(context.Cause(p.ctx), errUnread):
		return ""
	case p.ctx.Err() != nil:
		return "The node stops."
	case errors.As(err, &wrong):
		return wrong.sentence
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("Nothing was typed for %v.", p.server.options.IdleTimeout)
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Sprintf("The line has more than %d bytes: it must be a whole number.", maxLine)
	}
	return ""
}

// takePart plays a guest until something ends it.
func (p *session) takePart(limits Limits) error {
	if !limits.Guests {
		_, err := io.Copy(io.Discard, p.conn) // who watches types nothing, and may do so for days
		return err
	}
	balance, err := p.ask("Enter token balance:", "balance", 1, min(limits.MaxBalance, types.MaxAmount))
	if err != nil {
		return err
	}
	p.say(fmt.Sprintf("You are guest %s with a balance of %d, one of at most %d guests. You see who wins each block, and %s.\n", p.key.Public(), balance, limits.MaxGuests, p.chainPromise()))
	pace := rate.NewLimiter(maxReadings, 2*maxReadings)
	for {
		if err := pace.Wait(p.ctx); err != nil {
			return err
		}
		bpm, err := p.ask("\nEnter a new BPM:", "BPM", 0, types.MaxAmount)
		if err != nil {
			return err
		}
		first := !p.entered
		p.entered = true
		err = p.server.backend.Enter(p.ctx, p.key, balance, bpm)
		switch {
		case err != nil && first:
			return &wrongInput{"You cannot take part: " + err.Error() + "."}
		case err != nil:
			p.say("\nThis BPM was not taken: " + err.Error() + ".\n")
		}
	}
}

func (p *session) chainPromise() string {
	return fmt.Sprintf("every %v the newest %d blocks", p.server.options.ChainInterval, maxChain)
}

// wrongInput ends a session with a sentence.
type wrongInput struct{ sentence string }

// Error implements error.
func (w *wrongInput) Error() string { return w.sentence }

// ask asks for a whole number from low to high.
func (p *session) ask(prompt, what string, low, high uint64) (uint64, error) {
	p.say(prompt)
	if err := p.conn.SetReadDeadline(time.Now().Add(p.server.options.IdleTimeout)); err != nil {
		return 0, err
	}
	if err := p.ctx.Err(); err != nil { // the deadline that ends the reading may have come before ours
		return 0, err
	}
	text, err := p.lines.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	word := strings.TrimSpace(string(text))
	n, err := types.ParseWhole(word, low)
	if err != nil || n > high {
		return 0, &wrongInput{fmt.Sprintf("The %s is %s: it must be a whole number from %d to %d.", what, quote(word), low, high)}
	}
	return n, nil
}

// quote shows what was typed, kept short enough to read.
func quote(word string) string {
	const most = 40
	if len(word) > most {
		return strconv.QuoteToASCII(word[:most]) + "…"
	}
	return strconv.QuoteToASCII(word)
}

// say hands a text to the writer. Who has too many unread is dropped.
func (p *session) say(text string) {
	select {
	case p.out <- text:
	default:
		p.cancel(errUnread)
	}
}

// write sends what is said, and the chain once in a while, until nothing more
// is said.
func (p *session) write() {
	defer close(p.wrote)
	chain := time.NewTicker(p.server.options.ChainInterval)
	defer chain.Stop()
	for {
		var err error
		select {
		case text := <-p.out:
			err = p.send(text)
		case <-chain.C:
			err = p.send("\n" + p.server.chain.print())
		case <-p.last:
			if len(p.out) == 0 {
				return
			}
			err = p.send("")
		}
		if err != nil {
			p.cancel(errUnread)
			return
		}
	}
}

// send writes a text with all that waits behind it.
func (p *session) send(text string) error {
	for {
		select {
		case more := <-p.out:
			text += more
			continue
		default:
		}
		break
	}
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.server.options.WriteTimeout)); err != nil {
		return err
	}
	_, err := io.WriteString(p.conn, text)
	return err
}

// close sends what is still to be said and ends the connection.
func (p *session) close() {
	defer p.cancel(nil)
	defer p.conn.Close()
	close(p.last)
	if errors.Is(context.Cause(p.ctx), errUnread) {
		p.conn.Close()
	}
	<-p.wrote
	if tcp, ok := p.conn.(interface{ CloseWrite() error }); ok && tcp.CloseWrite() == nil {
		if p.conn.SetReadDeadline(time.Now().Add(linger)) == nil {
			_, _ = io.Copy(io.Discard, p.conn) // what comes now is not wanted
		}
	}
}
