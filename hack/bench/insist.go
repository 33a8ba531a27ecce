package main

import (
	"maps"
	"sync"
)

// frameState is how far a frame of a lane that insists is.
type frameState uint8

const (
	unsent frameState = iota // or refused
	underWay
	taken // accepted
)

// insistence keeps account of a lane's frames where nodes may refuse them. Frames
// of the same accounts make up a group; within it the first that is not accepted
// goes first, for the records after it need it.
type insistence struct {
	batch int // records a frame

	mu       sync.Mutex
	states   []frameState // by frame
	groups   int          // frame f is of group f modulo groups
	first    []int        // by group, the first frame that is not accepted
	turn     int          // the group whose turn is next
	flying   []int        // frames under way, in the order of their answers to come
	accepted int          // frames
	refused  map[int]struct{}
	refusals refusals
	times    int // how often a frame was refused
}

// newInsistence is for a lane of so many records, between so many accounts; batch
// divides both.
func newInsistence(records, accounts, batch int) *insistence {
	in := &insistence{batch: batch, states: make([]frameState, records/batch), groups: accounts / batch, refused: map[int]struct{}{}, refusals: refusals{}}
	in.first = make([]int, in.groups)
	for g := range in.first {
		in.first[g] = g
	}
	return in
}

// next chooses the frame to send now: of the group whose turn it is the first that
// is neither accepted nor under way. Without fresh, only one that was refused
// before. It returns false if there is none.
func (in *insistence) next(fresh bool) (frame int, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for range in.groups {
		g := in.turn % in.groups
		in.turn++
		for in.first[g] < len(in.states) && in.states[in.first[g]] == taken {
			in.first[g] += in.groups
		}
		for f := in.first[g]; f < len(in.states); f += in.groups {
			if in.states[f] != unsent {
				continue
			}
			if _, again := in.refused[f]; again || fresh {
				in.states[f] = underWay
				in.flying = append(in.flying, f)
				delete(in.refused, f)
				return f, true
			}
			break
		}
	}
	return 0, false
}

// answer notes the answer to the oldest frame under way; refusal is "" for a yes.
func (in *insistence) answer(refusal string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.flying) == 0 {
		in.refusals["an answer to nothing"]++
		return
	}
	f := in.flying[0]
	in.flying = in.flying[1:]
	if refusal == "" {
		in.states[f] = taken
		in.accepted++
		return
	}
	in.states[f] = unsent
	in.refused[f] = struct{}{}
	in.refusals[refusal]++
	in.times++
}

// open is how many records were accepted or are under way.
func (in *insistence) open() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return (in.accepted + len(in.flying)) * in.batch
}

// refusedSoFar is how often a frame was refused.
func (in *insistence) refusedSoFar() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.times
}

// unaccepted is how many records were sent and not accepted.
func (in *insistence) unaccepted() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return (len(in.flying) + len(in.refused)) * in.batch
}

// told is how frames were refused so far.
func (in *insistence) told() refusals {
	in.mu.Lock()
	defer in.mu.Unlock()
	return maps.Clone(in.refusals)
}
