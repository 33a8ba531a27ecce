package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/hack/bench/nodes"
)

// subscriber is a client that follows the blocks of one node: what it has not
// been told is not committed.
type subscriber struct {
	node     *nodes.Process
	wire     wire
	ws       *websocket.Conn
	accounts *accounts
	lanes    []*lane
	ended    chan struct{}

	mu      sync.Mutex
	commits []commit
	hash    string // of the newest block
	err     error
	closing bool
}

// subscribe connects to a node and follows its blocks from now on.
func subscribe(ctx context.Context, p *nodes.Process, w wire, a *accounts, lanes []*lane) (*subscriber, error) {
	ws, _, err := connect(ctx, p.API, w.path())
	if err != nil {
		return nil, err
	}
	s := &subscriber{node: p, wire: w, ws: ws, accounts: a, lanes: lanes, ended: make(chan struct{})}
	if err := s.ask(); err != nil {
		return nil, errors.Join(err, ws.Close())
	}
	go s.read()
	return s, nil
}

func (s *subscriber) ask() error {
	err := s.ws.WriteMessage(websocket.TextMessage, []byte(s.wire.subscription()))
	if err != nil {
		return err
	}
	answer, err := readMessage(s.ws, nil)
	if err != nil {
		return err
	}
	if !s.wire.subscribed(answer) {
		return fmt.Errorf("node %s takes no subscription: %.300s", s.node.Name, answer)
	}
	return nil
}

func (s *subscriber) read() {
	defer close(s.ended)
	var buffer []byte
	for {
		var err error
		if buffer, err = readMessage(s.ws, buffer); err == nil {
			err = s.take(buffer, time.Now())
		}
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.closing {
				s.err = fmt.Errorf("the subscription at node %s ended: %w", s.node.Name, err)
			}
			return
		}
	}
}

// take notes which records a block commits.
func (s *subscriber) take(frame []byte, now time.Time) error {
	records := make([]int64, len(s.lanes)) // by lane
	n, err := s.wire.scan(frame, func(sender []byte, nonce uint64) error {
		account, ok := s.accounts.find(sender)
		if !ok {
			return fmt.Errorf("a record is of %.64s, whom nobody sent for", sender)
		}
		lane, k := s.accounts.place(account, nonce)
		done := s.lanes[lane].done
		if k >= len(done) {
			return fmt.Errorf("a record of account %d has nonce %d, which nobody sent", account, nonce)
		}
		if !done[k].IsZero() {
			return fmt.Errorf("the record of account %d with nonce %d is committed twice", account, nonce)
		}
		done[k] = now
		records[lane]++
		return nil
	})
	if err != nil {
		return err
	}
	total := 0
	for i, l := range s.lanes {
		total += int(records[i])
		if records[i] > 0 {
			l.committed.Add(records[i])
			l.noteProgress()
		}
	}
	return s.append(commit{at: now, height: n.height, round: n.round, records: total}, n.hash)
}

func (s *subscriber) append(c commit, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.commits) > 0 && c.height != s.commits[len(s.commits)-1].height+1 {
		return fmt.Errorf("block %d follows block %d", c.height, s.commits[len(s.commits)-1].height)
	}
	s.commits, s.hash = append(s.commits, c), hash
	return nil
}

// head returns the newest height the subscriber was told of, and its hash.
func (s *subscriber) head() (uint64, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.commits) == 0 {
		return 0, ""
	}
	return s.commits[len(s.commits)-1].height, s.hash
}

// trouble is why the subscription ended, or nil while it lasts.
func (s *subscriber) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// close ends the subscription and returns all commits seen.
func (s *subscriber) close() []commit {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	_ = s.ws.Close()
	<-s.ended
	return s.commits
}
