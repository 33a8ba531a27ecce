package engine

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/failpoint"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// The kinds of entry in the sign log. Candidates and passes are in none: nothing
// contradicts them.
const (
	entryProposal uint8 = iota + 1
	entryPrevote
	entryPrecommit
	entryContent // what a lock needs, kept with its precommit so that neither is there without the other
)

var (
	// errContradiction means that a validator was asked to sign against its own word.
	errContradiction = errors.New("signed something else there before")
	// errFinal means that a validator was asked to sign at a height whose block
	// is final: what it said there once is forgotten.
	errFinal = errors.New("the block of that height is final")
)

// slot is where a validator may speak once.
type slot struct {
	height uint64
	round  uint32
	kind   uint8
}

// spoken is what was signed in a slot: what it says, and the signed bytes.
type spoken struct {
	says types.Hash
	raw  []byte
}

// signer signs what agreement asks for. Votes and proposals are in the sign log,
// synced, before anybody sees them; a slot that has been spoken in gets the
// identical bytes again or a refusal. It belongs to the main loop.
type signer struct {
	key     types.PrivateKey
	network types.Hash
	log     storage.SignLog
	floor   uint64 // below it all is final, and nothing is signed
	slots   map[slot]spoken
	kept    map[types.Hash]*content // by block hash
	earlier []storage.SignEntry     // of heights not begun yet, by earlier processes
}

// newSigner reads back what the validator signed before from a height on, the
// first whose block is not final.
func newSigner(key types.PrivateKey, network types.Hash, log storage.SignLog, floor uint64) (*signer, error) {
	s := &signer{key: key, network: network, log: log, floor: floor, slots: map[slot]spoken{}, kept: map[types.Hash]*content{}}
	entries, err := log.Entries()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.Height < floor {
			continue
		}
		if err := s.readBack(entry); err != nil {
			return nil, fmt.Errorf("sign log: an entry of height %d: %w", entry.Height, err)
		}
		s.earlier = append(s.earlier, entry)
	}
	return s, nil
}

// highest returns the highest height at which earlier processes signed, or 0
// where that is below the floor.
func (s *signer) highest() (height uint64) {
	for _, entry := range s.earlier {
		height = max(height, entry.Height)
	}
	return height
}

func (s *signer) readBack(entry storage.SignEntry) error {
	if entry.Kind == entryContent {
		c, err := decodeContent(entry.Data)
		if err == nil {
			s.kept[c.proposal.Block()] = c
		}
		return err
	}
	says, err := meaning(entry.Kind, entry.Data)
	s.slots[slot{entry.Height, entry.Round, entry.Kind}] = spoken{says, entry.Data}
	return err
}

// replay returns, as events in the order of the log, what earlier processes
// signed or kept at a height, so that the core takes up where they stopped.
func (s *signer) replay(height uint64) []consensus.Event {
	var events []consensus.Event
	var later []storage.SignEntry
	for _, entry := range s.earlier {
		switch {
		case entry.Height == height:
			events = append(events, replayed(entry)...)
		case entry.Height > height:
			later = append(later, entry)
		}
	}
	s.earlier = later
	return events
}

// replayed decodes an entry that readBack decoded before: it cannot fail.
func replayed(entry storage.SignEntry) []consensus.Event {
	switch entry.Kind {
	case entryContent:
		c, _ := decodeContent(entry.Data)
		return c.events()
	case entryProposal:
		p, _ := types.DecodeProposal(entry.Data)
		return []consensus.Event{consensus.ProposalArrived{Proposal: types.Vouch(p)}}
	}
	v, _ := types.DecodeVote(entry.Data)
	return []consensus.Event{consensus.VoteArrived{Vote: types.Vouch(&v)}}
}

// meaning returns what a signed message says in its slot: two messages of one
// slot contradict each other if it differs.
func meaning(kind uint8, raw []byte) (types.Hash, error) {
	switch kind {
	case entryProposal:
		p, err := types.DecodeProposal(raw)
		if err != nil {
			return types.Hash{}, err
		}
		return proposalSays(p), nil
	case entryPrevote, entryPrecommit:
		v, err := types.DecodeVote(raw)
		return v.Block, err
	}
	return types.Hash{}, fmt.Errorf("its kind %d is unknown: it was written by another version of this program", kind)
}

// proposalSays sums up all that a proposal's signature covers.
func proposalSays(p *types.Proposal) types.Hash { return types.SumHash(p.SignBytes(types.Hash{})) }

// speak returns the signed bytes for a slot: those of before if it was spoken
// in already, else those that sign makes, once they are on disk. Content given
// is put on disk in the same sync. Its errors are errContradiction, errFinal, or
// that of the disk.
func (s *signer) speak(at slot, says types.Hash, with *content, sign func() []byte) ([]byte, error) {
	if at.height < s.floor {
		return nil, fmt.Errorf("height %d round %d: %w", at.height, at.round, errFinal)
	}
	if before, ok := s.slots[at]; ok {
		if before.says != says {
			return nil, fmt.Errorf("height %d round %d: %w", at.height, at.round, errContradiction)
		}
		return before.raw, nil
	}
	raw := sign()
	entries := make([]storage.SignEntry, 0, 2)
	if with != nil {
		entries = append(entries, storage.SignEntry{Height: at.height, Round: at.round, Kind: entryContent, Data: with.encode()})
	}
	entries = append(entries, storage.SignEntry{Height: at.height, Round: at.round, Kind: at.kind, Data: raw})
	failpoint.Pass(failpoint.Sign)
	if err := s.log.Append(entries...); err != nil {
		return nil, fmt.Errorf("sign log: %w", err)
	}
	failpoint.Pass(failpoint.Signed)
	s.slots[at] = spoken{says, raw}
	if with != nil {
		s.kept[with.proposal.Block()] = with
	}
	return raw, nil
}

// vote signs a vote; with is the content of a block to be precommitted.
func (s *signer) vote(kind types.VoteKind, height uint64, round uint32, hash types.Hash, with *content) (*types.Vote, error) {
	at := slot{height, round, entryPrevote}
	if kind == types.Precommit {
		at.kind = entryPrecommit
	}
	raw, err := s.speak(at, hash, with, func() []byte {
		v := types.Vote{Kind: kind, Height: height, Round: round, Block: hash, Validator: s.key.Public()}
		v.Signature = s.key.Sign(v.SignBytes(s.network))
		return v.Encode()
	})
	if err != nil {
		return nil, err
	}
	v, err := types.DecodeVote(raw)
	return &v, err
}

// proposal signs a proposal in place, and returns it with its encoding: that of
// before if there is one.
func (s *signer) proposal(p *types.Proposal) (*types.Proposal, []byte, error) {
	fresh := false
	raw, err := s.speak(slot{p.Height, p.Round, entryProposal}, proposalSays(p), nil, func() []byte {
		fresh = true
		p.Validator = s.key.Public()
		p.Signature = s.key.Sign(p.SignBytes(s.network))
		return p.Encode()
	})
	if err != nil || fresh {
		return p, raw, err
	}
	p, err = types.DecodeProposal(raw)
	return p, raw, err
}

// pass signs that there is no candidate for a round.
func (s *signer) pass(height uint64, round uint32) *types.Pass {
	p := &types.Pass{Height: height, Round: round, Validator: s.key.Public()}
	p.Signature = s.key.Sign(p.SignBytes(s.network))
	return p
}

// candidate signs that there is a candidate for a height.
func (s *signer) candidate(height uint64) *types.Candidate {
	c := &types.Candidate{Height: height, Validator: s.key.Public()}
	c.Signature = s.key.Sign(c.SignBytes(s.network))
	return c
}

// prune forgets what was signed below a height: it is committed and final.
func (s *signer) prune(below uint64) error {
	s.floor = below
	for at := range s.slots {
		if at.height < below {
			delete(s.slots, at)
		}
	}
	for block, c := range s.kept {
		if c.proposal.Height < below {
			delete(s.kept, block)
		}
	}
	return s.log.Prune(below)
}
