package rpc

import "sync"

// answer is what a request gets.
type answer struct {
	text     []byte
	borrowed int64 // bytes of the server's budget, to be given back once sent
}

// outgoing is one thing to send: an answer that may still be worked on, news
// of a topic, or the end of the connection.
type outgoing struct {
	answer <-chan answer // gives one
	news   []byte
	end    *ending
}

// ending is why the server closes a connection: a code of RFC 6455, section
// 7.4.1, and one sentence.
type ending struct {
	code   int
	reason string
}

// outbox is what one connection has to send, in order. Answers are bounded by
// the connection's window, news here.
type outbox struct {
	mu        sync.Mutex
	items     []outgoing
	news      int // frames not yet sent, those the writer took included
	newsBytes int
	wake      chan struct{} // has room for one
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (o *outbox) push(item outgoing) {
	o.mu.Lock()
	o.items = append(o.items, item)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// pushNews returns false if the reader is too far behind already.
func (o *outbox) pushNews(frame []byte) bool {
	o.mu.Lock()
	full := o.news > 0 && (o.news >= maxNews || o.newsBytes+len(frame) > maxNewsBytes)
	if !full {
		o.news++
		o.newsBytes += len(frame)
	}
	o.mu.Unlock()
	if !full {
		o.push(outgoing{news: frame})
	}
	return !full
}

// sent makes room for further news.
func (o *outbox) sent(news []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.news--
	o.newsBytes -= len(news)
}

// take returns all that waits, in order; spare is used for what comes next.
func (o *outbox) take(spare []outgoing) []outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	items := o.items
	clear(spare)
	o.items = spare[:0]
	return items
}
