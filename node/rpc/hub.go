package rpc

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/posnet/posnet/node/rpc/message"
)

var allTopics = []message.Topic{message.TopicBlocks, message.TopicWinners, message.TopicPool}

// topicNames lists the topics for error texts.
var topicNames = func() string {
	var names []string
	for _, t := range allTopics {
		names = append(names, strconv.Quote(string(t)))
	}
	return strings.Join(names, ", ")
}()

// hub tells subscribers what happens. Each frame is written once, however many
// read it.
type hub struct {
	server *Server
	mu     sync.Mutex
	all    map[*conn]*subscription
	joined chan struct{} // closed, and made anew, when somebody subscribes
}

// subscription is what one connection wants to be told.
type subscription struct {
	topics []message.Topic // in the order of allTopics
	height uint64          // of the newest block told
	pool   *message.PoolSize
}

func (s *subscription) wants(t message.Topic) bool { return slices.Contains(s.topics, t) }

func (s *subscription) wantsChain() bool {
	return s.wants(message.TopicBlocks) || s.wants(message.TopicWinners)
}

func newHub(s *Server) *hub {
	return &hub{server: s, all: map[*conn]*subscription{}, joined: make(chan struct{})}
}

// change subscribes or unsubscribes a connection.
func (h *hub) change(c *conn, subscribe bool, a *arguments) (message.Topics, error) {
	topics := a.topics("topics")
	if a.err != nil {
		return message.Topics{}, a.err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.all[c]
	if s == nil {
		s = &subscription{}
	}
	if !s.wantsChain() {
		s.height = h.server.backend.Head()
	}
	var now []message.Topic
	for _, t := range allTopics {
		if named := slices.Contains(topics, t); named && subscribe || !named && s.wants(t) {
			now = append(now, t)
		}
	}
	s.topics = now
	if !s.wants(message.TopicPool) {
		s.pool = nil
	}
	delete(h.all, c)
	if len(now) > 0 {
		h.all[c] = s
	}
	close(h.joined)
	h.joined = make(chan struct{})
	return message.Topics{Topics: listed(now), Height: s.height}, nil
}

// leave forgets a connection.
func (h *hub) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, c)
}

// followChain tells of each block until ctx ends. Every subscriber has a place
// of its own in the chain, so that none misses a block or gets one twice.
func (h *hub) followChain(ctx context.Context) {
	for ctx.Err() == nil {
		next, joined := h.nextHeight()
		if next == 0 {
			select {
			case <-joined:
			case <-ctx.Done():
			}
			continue
		}
		if h.server.backend.WaitBlock(ctx, next) == nil {
			h.tellBlock(ctx, next)
		}
	}
}

// nextHeight returns the lowest height that a subscriber waits for, 0 if there
// is none, and a channel that closes when that may change.
func (h *hub) nextHeight() (uint64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var next uint64
	for _, s := range h.all {
		if s.wantsChain() && (next == 0 || s.height+1 < next) {
			next = s.height + 1
		}
	}
	return next, h.joined
}

// tellBlock tells those who wait for a height of its block and winner.
func (h *hub) tellBlock(ctx context.Context, height uint64) {
	block, winner, err := h.blockNews(ctx, height)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, s := range h.all {
		if !s.wantsChain() || s.height+1 != height {
			continue
		}
		s.height = height
		ok := err == nil
		if ok && s.wants(message.TopicBlocks) {
			ok = c.out.pushNews(block)
		}
		if ok && s.wants(message.TopicWinners) {
			ok = c.out.pushNews(winner)
		}
		if !ok {
			delete(h.all, c)
			c.drop(err)
		}
	}
}

func (h *hub) blockNews(ctx context.Context, height uint64) (block, winner []byte, err error) {
	b, _, err := h.server.backend.Block(ctx, height)
	if err != nil {
		h.server.options.Logger.Error("cannot tell subscribers of a block", "height", height, "error", err)
		return nil, nil, err
	}
	name := h.server.backend.Name(b.Header.Proposer)
	shown := message.NewBlock(b, nil, name, message.BlockOptions{})
	won := message.NewWinner(&b.Header, shown.Hash, name)
	if block, err = newsOfBlock(shown); err != nil {
		return nil, nil, err
	}
	winner, err = news(message.Event{Topic: message.TopicWinners, Winner: &won})
	return block, winner, err
}

// followPool tells of the pool's size until ctx ends, at the pace of
// Options.PoolInterval.
func (h *hub) followPool(ctx context.Context) {
	for ctx.Err() == nil {
		some, joined := h.tellPool()
		if some {
			joined = nil // there is somebody to tell at the next tick
		}
		select {
		case <-joined:
		case <-h.tick(some):
		case <-ctx.Done():
		}
	}
}

func (h *hub) tick(some bool) <-chan time.Time {
	if some {
		return time.After(h.server.options.PoolInterval)
	}
	return nil
}

// tellPool tells those who have not heard the present size, and returns whether
// anybody listens at all.
func (h *hub) tellPool() (some bool, joined <-chan struct{}) {
	size := h.server.backend.PoolSize()
	frame, err := news(message.Event{Topic: message.TopicPool, Pool: &size})
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, s := range h.all {
		if !s.wants(message.TopicPool) {
			continue
		}
		some = true
		if err != nil || s.pool != nil && *s.pool == size {
			continue
		}
		s.pool = &size
		if !c.out.pushNews(frame) {
			delete(h.all, c)
			c.drop(nil)
		}
	}
	return some, h.joined
}
