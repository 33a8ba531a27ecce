package p2p

import "sync"

// message is one payload on its way to a peer.
type message struct {
	kind    Kind
	payload []byte
}

func (m message) size() int { return entryBytes + len(m.payload) }

// queue is what waits for one link: first in, first out, bounded by count and
// bytes. Many put, one takes.
type queue struct {
	ready chan struct{} // holds one token while there may be something to take

	mu          sync.Mutex
	items       []message
	head        int // of items: the next to be taken
	bytes       int
	maxMessages int
	maxBytes    int
}

func newQueue(kind LinkKind) *queue {
	limits := queueLimits[kind]
	return &queue{ready: make(chan struct{}, 1), maxMessages: limits.messages, maxBytes: limits.bytes}
}

// put adds a message and reports whether it fitted.
func (q *queue) put(m message) bool {
	q.mu.Lock()
	waiting := len(q.items) - q.head
	if waiting > 0 && (waiting >= q.maxMessages || q.bytes+m.size() > q.maxBytes) {
		q.mu.Unlock()
		return false
	}
	q.items = append(q.items, m)
	q.bytes += m.size()
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true
}

// take moves the next messages to batch, at least one if there is any, and
// otherwise no more than fill batchBytes.
func (q *queue) take(batch []message) []message {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	for q.head < len(q.items) {
		m := q.items[q.head]
		if size += m.size(); size > batchBytes && len(batch) > 0 {
			break
		}
		batch = append(batch, m)
		q.items[q.head] = message{} // or it would keep the payload alive
		q.head++
		q.bytes -= m.size()
	}
	q.compact()
	return batch
}

// compact gives back the space of what was taken, once that is half of it.
func (q *queue) compact() {
	if 2*q.head < len(q.items) {
		return
	}
	n := copy(q.items, q.items[q.head:])
	clear(q.items[n:])
	q.items, q.head = q.items[:n], 0
}
