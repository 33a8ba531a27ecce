package p2p

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/test/fuzzed"
)

// TestLargestMessages: each kind passes at its largest, whole, both ways.
func TestLargestMessages(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	largest := 0
	for kind := KindProposal; kind <= KindStatus; kind++ {
		largest = max(largest, kind.MaxBytes())
	}
	data := make([]byte, largest)
	rand.NewChaCha8([32]byte{1}).Read(data)
	sent := 0
	for kind := KindProposal; kind <= KindStatus; kind++ {
		for from := range nodes {
			if !nodes[from].Send(nodes[1-from].key, kind, data[:kind.MaxBytes()]) {
				t.Fatalf("%v of %d bytes is not sent", kind, kind.MaxBytes())
			}
		}
		sent++
		for _, node := range nodes {
			eventually(t, kind.String(), func() bool { return node.count() == sent })
			got := node.all()[sent-1]
			if got.kind != kind || !bytes.Equal(got.payload, data[:kind.MaxBytes()]) {
				t.Errorf("%v of %d bytes came as %v of %d bytes", kind, kind.MaxBytes(), got.kind, len(got.payload))
			}
		}
	}
}

// TestOrderUnderLoad: many send at once, messages of all sizes; on each link
// those of one sender arrive in order, whole, and none is missing.
func TestOrderUnderLoad(t *testing.T) {
	nodes := newNetwork(t, 2, nil)
	allUp(t, nodes)
	const senders, each = 8, 400
	random := rand.New(rand.NewPCG(1, 2))
	var sizes [senders][each]int
	for s := range sizes {
		for i := range sizes[s] {
			sizes[s][i] = 8 + random.IntN(1<<(3+random.IntN(14)))
		}
	}
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i, size := range sizes[s] {
				payload := bytes.Repeat([]byte{byte(i)}, size)
				binary.BigEndian.PutUint32(payload, uint32(s))
				binary.BigEndian.PutUint32(payload[4:], uint32(i))
				for from := range nodes {
					if !nodes[from].Send(nodes[1-from].key, KindRecords, payload) {
						t.Errorf("sender %d: message %d is not sent", s, i)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for _, node := range nodes {
		eventually(t, "all messages", func() bool { return node.count() == senders*each })
		var next [senders]int
		for _, m := range node.all() {
			s, i := binary.BigEndian.Uint32(m.payload), int(binary.BigEndian.Uint32(m.payload[4:]))
			if next[s] != i || len(m.payload) != sizes[s][i] || bytes.Count(m.payload[8:], []byte{byte(i)}) != len(m.payload)-8 {
				t.Fatalf("sender %d: message %d of %d bytes came, want %d of %d", s, i, len(m.payload), next[s], sizes[s][next[s]])
			}
			next[s]++
		}
	}
}

// FuzzBatch: whatever a peer sends, what is delivered is what was sent, within
// the limits, and a batch without error was delivered to its end.
func FuzzBatch(f *testing.F) {
	f.Add([]byte{byte(KindVote), 0, 0, 0, 4, 'v', 'o', 't', 'e', byte(KindPass), 0, 0, 0, 0})
	f.Add([]byte{byte(KindVote), 0, 0, 4, 1})
	f.Add([]byte{byte(KindRecords), 0, 0, 0, 0})
	f.Add([]byte{})
	mesh := newNode(f, 0, nil)
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := &link{kind: VoteLink, metrics: mesh.metrics[VoteLink]}
		var seen []byte
		take := func(kind Kind, payload []byte) {
			if kind.Link() != VoteLink || len(payload) > kind.MaxBytes() {
				t.Errorf("%v of %d bytes was delivered", kind, len(payload))
			}
			seen = append(seen, byte(kind))
			seen = binary.BigEndian.AppendUint32(seen, uint32(len(payload)))
			seen = append(seen, payload...)
		}
		// A message's memory is taken when its head is there, up to its kind's limit.
		var err error
		fuzzed.Within(t, uint64(64<<10+64*len(raw)+KindProposal.MaxBytes()), func() {
			seen = nil
			err = l.readBatch(bytes.NewReader(raw), take)
		})
		fuzzed.Sentence(t, err)
		if !bytes.HasPrefix(raw, seen) || err == nil && len(seen) != len(raw) {
			t.Errorf("%x was delivered of %x, error %v", seen, raw, err)
		}
	})
}

// TestQueue holds the queue beside a plain list.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(VoteLink)
		q.maxMessages, q.maxBytes = rapid.IntRange(1, 20).Draw(t, "messages"), rapid.IntRange(1, 4*batchBytes).Draw(t, "bytes")
		var list []message
		bytesOf := func(list []message) (n int) {
			for _, m := range list {
				n += entryBytes + len(m.payload)
			}
			return n
		}
		for i := range rapid.IntRange(0, 100).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") > 0 {
				m := message{Kind(i), make([]byte, rapid.SampledFrom([]int{0, 1, 100, batchBytes / 2, 2 * batchBytes}).Draw(t, "size"))}
				fits := len(list) == 0 || len(list) < q.maxMessages && bytesOf(list)+entryBytes+len(m.payload) <= q.maxBytes
				if got := q.put(m); got != fits {
					t.Fatalf("put says %v with %d messages of %d bytes waiting", got, len(list), bytesOf(list))
				} else if got {
					list = append(list, m)
				}
				continue
			}
			batch := q.take(nil)
			for j, m := range batch {
				if m.kind != list[j].kind || len(m.payload) != len(list[j].payload) {
					t.Fatalf("message %d of a batch is %v, want %v", j, m.kind, list[j].kind)
				}
			}
			if len(batch) > 1 && bytesOf(batch) > batchBytes {
				t.Fatalf("a batch of %d messages has %d bytes", len(batch), bytesOf(batch))
			}
			if rest := list[len(batch):]; len(rest) > 0 && (len(batch) == 0 || bytesOf(batch)+bytesOf(rest[:1]) <= batchBytes) {
				t.Fatalf("a batch of %d messages leaves behind one that fits", len(batch))
			}
			list = list[len(batch):]
		}
	})
}

func TestQueueKeepsNothingItGave(t *testing.T) {
	q := newQueue(BulkLink)
	for range 10_000 {
		q.put(message{KindRecords, make([]byte, 100)})
		q.put(message{KindRecords, make([]byte, 100)})
		q.take(nil)
	}
	if q.bytes != 0 || len(q.items) != 0 || cap(q.items) > 16 {
		t.Errorf("an empty queue holds %d bytes and room for %d messages", q.bytes, cap(q.items))
	}
	for _, m := range q.items[:cap(q.items)] {
		if m.payload != nil {
			t.Error("a payload is kept alive")
		}
	}
}
