package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/fuzzed"
)

// TestKinds: each kind holds the largest thing it is for, and fits its queue.
func TestKinds(t *testing.T) {
	proposal := types.Proposal{RecordIDs: make([]types.Hash, types.MaxBlockRecords)}
	blockBytes := 1000 + types.MaxBlockBytes + 4*types.MaxBlockRecords
	certificate := types.Certificate{Signatures: make([]types.CertificateSignature, types.MaxValidators)}
	for _, c := range []struct {
		kind Kind
		name string
		link LinkKind
		size int
	}{
		{KindProposal, "proposal", VoteLink, len(proposal.Encode())},
		{KindVote, "vote", VoteLink, len((&types.Vote{}).Encode())},
		{KindCandidate, "candidate", VoteLink, len((&types.Candidate{}).Encode())},
		{KindPass, "pass", VoteLink, len((&types.Pass{}).Encode())},
		{KindSummary, "summary", VoteLink, 3 * 2 * types.MaxValidators * len((&types.Vote{}).Encode()) / 2},
		{KindRecords, "records", BulkLink, 1000 * (4 + types.MaxRecordBytes)},
		{KindRecordsWanted, "recordsWanted", BulkLink, 100 + 32*types.MaxBlockRecords},
		{KindRecordsFound, "recordsFound", BulkLink, 100 + types.MaxBlockBytes + 4*types.MaxBlockRecords},
		{KindBlocksWanted, "blocksWanted", BulkLink, 100},
		{KindBlocksFound, "blocksFound", BulkLink, types.MaxBlockBytes/2 + blockBytes + len(certificate.Encode())},
		{KindStatus, "status", BulkLink, 200},
		{KindSnapshotWanted, "snapshotWanted", BulkLink, 100},
		{KindSnapshotFound, "snapshotFound", BulkLink, 700 << 10},
	} {
		if c.kind.String() != c.name || c.kind.Link() != c.link {
			t.Errorf("%v is on the %v link, want %s on the %v link", c.kind, c.kind.Link(), c.name, c.link)
		}
		if c.kind.MaxBytes() < c.size {
			t.Errorf("%v has at most %d bytes, and needs %d", c.kind, c.kind.MaxBytes(), c.size)
		}
		if limit := queueLimits[c.link].bytes; limit < 2*c.kind.MaxBytes() {
			t.Errorf("%v of %d bytes hardly fits into a queue of %d", c.kind, c.kind.MaxBytes(), limit)
		}
	}
	for _, k := range []Kind{0, KindSnapshotFound + 1, 255} {
		if k.Link() != 0 || k.MaxBytes() != 0 || k.String() != fmt.Sprintf("kind %d", k) {
			t.Errorf("%v is known: link %v, %d bytes", k, k.Link(), k.MaxBytes())
		}
	}
}

func TestBackoff(t *testing.T) {
	for range 100 {
		var b backoff
		for step := minBackoff; ; step = min(2*step, maxBackoff) {
			if got := b.next(); got < step/2 || got >= step {
				t.Fatalf("a pause of %v, want from %v to less than %v", got, step/2, step)
			}
			if step == maxBackoff {
				break
			}
		}
		if got := b.next(); got >= maxBackoff {
			t.Fatalf("a pause of %v: at most %v", got, maxBackoff)
		}
		b.reset()
		if got := b.next(); got >= minBackoff {
			t.Fatalf("a pause of %v after a reset", got)
		}
	}
}

// TestAfterLoss: a link that stood is dialed again at once by the smaller key,
// and after the first pause by the larger; one that died young is backed off from.
func TestAfterLoss(t *testing.T) {
	for own, smaller := range []bool{false, true} { // test key 1 is smaller than test key 0
		mesh := newNode(t, own, nil)
		l := &link{peer: &peer{Peer: Peer{Key: testKey(1 - own).Public()}}, since: time.Now()}
		var pace backoff
		for step := minBackoff; step < maxBackoff; step *= 2 {
			if got := mesh.afterLoss(l, &pace); got < step/2 {
				t.Errorf("key %d: a pause of %v after a short life, want at least %v", own, got, step/2)
			}
		}
		l.since = l.since.Add(-steadyAfter)
		got := mesh.afterLoss(l, &pace)
		if smaller && got != 0 || !smaller && (got == 0 || got >= minBackoff) {
			t.Errorf("key %d: a pause of %v after a long life", own, got)
		}
	}
}

func TestRepeatsAreLoggedOnce(t *testing.T) {
	var r repeats
	if !r.isNew("a", "x") || r.isNew("a", "x") || !r.isNew("a", "y") || !r.isNew("b", "x") {
		t.Error("a complaint is new once for each host")
	}
	for i := range 10 * maxRepeats {
		r.isNew("a", fmt.Sprint(i))
	}
	if len(r.logged) > maxRepeats {
		t.Errorf("%d complaints are remembered", len(r.logged))
	}
	r.logged[complaintOf{"old", "x"}] = time.Now().Add(-repeatAfter - time.Second)
	if !r.isNew("old", "x") {
		t.Error("a complaint is never logged again")
	}
}

// TestCloseFramesHoldAnyReason: a close frame keeps to its size and to UTF-8.
func TestCloseFramesHoldAnyReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "reason")
		s = strings.Repeat(s, rapid.IntRange(1, 40).Draw(t, "times"))
		var r *refusal
		if !errors.As(refuse("%s", s), &r) {
			t.Fatal("no refusal")
		}
		text := r.frame()[2:]
		if len(text) > maxReasonBytes || !utf8.Valid(text) {
			t.Fatalf("%q has %d bytes, valid %v", text, len(text), utf8.Valid(text))
		}
		valid := strings.ToValidUTF8(s, "?")
		if !strings.HasPrefix(valid, string(text)) || len(valid) > len(text) && len(text) < maxReasonBytes-3 {
			t.Fatalf("%q was cut to %q", s, text)
		}
	})
}

func TestPlainErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&websocket.CloseError{Code: 1008, Text: "go away"}, "the peer says: go away"},
		{&websocket.CloseError{Code: 1008, Text: "clear\x1b[2J\nscreen"}, "the peer says: clear [2J screen"},
		{&websocket.CloseError{Code: 1008}, "the peer closed the connection"},
		{&websocket.CloseError{Code: websocket.CloseAbnormalClosure, Text: "unexpected EOF"}, "the peer closed the connection"},
		{io.EOF, "the peer closed the connection"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "the peer took too long"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}, "connect: connection refused"},
		{errSlow, errSlow.Error()},
	} {
		if got := plain(c.err).Error(); got != c.want {
			t.Errorf("%v reads %q, want %q", c.err, got, c.want)
		}
	}
}

// TestGateCounts: a place is given back once, however a connection ends.
func TestGateCounts(t *testing.T) {
	turned := make(chan net.Addr, 10)
	g := newGate(openListener(t), func(a net.Addr) { turned <- a })
	defer g.Close()
	accept := func() *conn {
		c, err := g.Accept()
		if err != nil {
			t.Error(err)
			return &conn{}
		}
		return c.(*conn)
	}
	var held []*conn
	for range maxPendingPerHost {
		dialTCP(t, g.Addr())
		held = append(held, accept())
	}
	next := make(chan *conn)
	go func() { next <- accept() }()
	if !turnedAway(t, g.Addr()) || len(turned) != 1 {
		t.Error("a connection too many is not turned away, or not told of")
	}
	held[0].settle()
	held[0].Close()
	held[0].Close()
	dialTCP(t, g.Addr())
	held[0] = <-next
	if g.total != maxPendingPerHost {
		t.Errorf("%d places are taken, want %d", g.total, maxPendingPerHost)
	}
	for _, c := range held {
		c.Close()
	}
	if g.total != 0 || len(g.perHost) != 0 {
		t.Errorf("%d places are still taken: %v", g.total, g.perHost)
	}
}

func turnedAway(t *testing.T, address net.Addr) bool {
	c := dialTCP(t, address)
	c.SetDeadline(time.Now().Add(patience))
	_, err := c.Read(make([]byte, 1))
	return err != nil && !isTimeout(err)
}

// Whoever answers at a peer's address without an end is left, and little of what
// it says is kept.
func TestDialEndless(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for _, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nx: "); err == nil; {
				_, err = c.Write(bytes.Repeat([]byte("x"), 1<<10))
			}
			c.Close()
		}
	}()
	node := newNode(t, 0, nil)
	fuzzed.Within(t, 4<<20, func() { // with what else is kept of a connection
		if _, err := node.connect(t.Context(), l.Addr().String()); err == nil || !strings.Contains(err.Error(), "no validator's p2p port: it says too much") {
			t.Errorf("got %v", err)
		}
	})
	l.Close()
	<-ended
}
