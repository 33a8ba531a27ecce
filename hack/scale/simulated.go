package main

import (
	"context"
	"fmt"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/node/sim"
	"github.com/posnet/posnet/node/types"
)

const (
	// simulatedHeights is how far a simulated network is measured: its heights are all
	// alike.
	simulatedHeights = 10
	// firstHeights are left out: links come up, and rounds are lost until they have.
	firstHeights  = 3
	simulatedSeed = 1
)

// traffic is what validators sent each other for one block, all of them together.
type traffic struct {
	proposals, votes, candidates, other float64 // messages
	bytes                               float64
}

func (t traffic) messages() float64 { return t.proposals + t.votes + t.candidates + t.other }

// encoded is a message that is sent as its encoding.
type encoded interface{ Encode() []byte }

// count adds a message on its way to one validator.
func (t *traffic) count(message any) {
	switch message.(type) {
	case *types.Proposal:
		t.proposals++
	case *types.Vote:
		t.votes++
	case *types.Candidate:
		t.candidates++
	default:
		t.other++
	}
	if m, ok := message.(encoded); ok {
		t.bytes += float64(len(m.Encode()))
	}
}

// since is what was sent after an earlier moment, for each of so many heights.
func (t traffic) since(from traffic, heights float64) traffic {
	return traffic{
		(t.proposals - from.proposals) / heights, (t.votes - from.votes) / heights, (t.candidates - from.candidates) / heights,
		(t.other - from.other) / heights, (t.bytes - from.bytes) / heights,
	}
}

// simulated is a simulated network, for each height.
type simulated struct {
	validators int
	traffic    traffic
	time       time.Duration // virtual
	processor  time.Duration // of all validators, and of the simulator
}

// simulate plays a network of n validators in which nothing goes wrong, once up to
// the first height that counts and once to the end: a seed's runs are the same as far
// as they go.
func simulate(n int) (simulated, error) {
	first, err := play(n, firstHeights)
	if err != nil {
		return first, err
	}
	all, err := play(n, firstHeights+simulatedHeights)
	return simulated{
		validators: n, traffic: all.traffic.since(first.traffic, simulatedHeights),
		time: (all.time - first.time) / simulatedHeights, processor: (all.processor - first.processor) / simulatedHeights,
	}, err
}

// play plays a network from its start, and returns what that took in all.
func play(n int, heights uint64) (all simulated, err error) {
	s := sim.Peaceful(simulatedSeed, heights, n)
	s.Loses = func(_ *sim.World, _, _ int, message any) bool { all.traffic.count(message); return false }
	before, err := machine.OwnTime()
	if err != nil {
		return all, err
	}
	result := sim.Run(s, nil)
	if result.Err != nil {
		return all, fmt.Errorf("%d validators in the simulator: %w", n, result.Err)
	}
	after, err := machine.OwnTime()
	all.time, all.processor = result.Took, after-before
	return all, err
}

func (r *rig) simulateAll(ctx context.Context) (all []simulated, err error) {
	for _, n := range r.options.simulated {
		say("%d validators in the simulator", n)
		s, err := simulate(n)
		if err != nil {
			return all, err
		}
		if all = append(all, s); ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
	}
	return all, nil
}
