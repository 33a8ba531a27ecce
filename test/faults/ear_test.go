package faults_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/processes"
)

// place is where a validator may speak once.
type place struct {
	validator types.PublicKey
	height    uint64
	round     uint32
	kind      string // "proposal", "prevote", "precommit"
}

// ear is a validator that says nothing and hears all: what the others send to
// their peers they send to it.
type ear struct {
	t  *testing.T
	mu sync.Mutex
	// heard is what each validator said in each place, by the bytes: a place
	// with two is a contradiction, for all that was said there is signed.
	heard map[place]types.Hash
	votes int
}

func listen(t *testing.T, n *processes.Network, planned *processes.Process) *ear {
	t.Helper()
	e := &ear{t: t, heard: map[place]types.Hash{}}
	c := planned.Config
	peers := make([]p2p.Peer, len(c.Peers))
	for i, p := range c.Peers {
		peers[i] = p2p.Peer(p)
	}
	mesh, err := p2p.New(p2p.Config{
		Key: n.Design.Keys[c.Name].Sign, Network: n.Genesis.Network(), Name: c.Name, Listen: c.Listen.P2P, Peers: peers, Handler: e,
	})
	if err != nil {
		t.Fatal(err)
	}
	mesh.Start()
	t.Cleanup(mesh.Close)
	return e
}

// Message implements p2p.Handler.
func (e *ear) Message(_ types.PublicKey, kind p2p.Kind, payload []byte) {
	switch kind {
	case p2p.KindVote:
		v, err := types.DecodeVote(payload)
		e.hear(place{v.Validator, v.Height, v.Round, v.Kind.String()}, payload, err)
	case p2p.KindProposal:
		p, err := types.DecodeProposal(payload)
		if err == nil {
			e.hear(place{p.Validator, p.Height, p.Round, "proposal"}, payload, nil)
		}
	}
}

// hear takes down what came. Peers also pass on what others said.
func (e *ear) hear(at place, payload []byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.t.Errorf("a node sent what cannot be read: %v", err)
		return
	}
	says := types.SumHash(payload)
	if before, again := e.heard[at]; again && before != says {
		e.t.Errorf("%s contradicted itself: it sent two things as %s", at.validator.Short(), at)
	}
	e.heard[at] = says
	e.votes++
}

// LinkUp implements p2p.Handler.
func (e *ear) LinkUp(types.PublicKey) {}

// LinkDown implements p2p.Handler.
func (e *ear) LinkDown(types.PublicKey) {}

func (e *ear) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.votes
}

// of returns what was heard of a validator from a height on.
func (e *ear) of(validator types.PublicKey, from uint64) map[place]types.Hash {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[place]types.Hash{}
	for at, says := range e.heard {
		if at.validator == validator && at.height >= from {
			out[at] = says
		}
	}
	return out
}

func (p place) String() string {
	return fmt.Sprintf("%s of height %d, round %d", p.kind, p.height, p.round)
}
