package engine

import (
	"errors"
	"fmt"

	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
)

// The kinds of entry in the sign log.
const (
	entryProposal uint8 = iota + 1
	entryPrevote
	entryPrecommit
	entryPass
	entryCandidate
	entryContent // what a lock needs, kept before the precommit so that it never outlives its content
)

// errContradiction means that a validator was asked to sign against its own word.
var errContradiction = errors.New("signed something else there before")

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

// signer signs what agreement asks for. What it signs is in the sign log,
// synced, before anybody sees it; a slot that has been spoken in gets the
// identical bytes again or a refusal.
type signer struct {
	key     types.PrivateKey
	network types.Hash
	log     storage.SignLog
	slots   map[slot]spoken
	kept    map[types.Hash]*content // by block hash
	spoke   []storage.SignEntry     // of the height under way when the process began
}

// content is what a lock needs to be defended after a restart: the proposal, the
// quorum of prevotes behind it, and the records of its block.
type content struct {
	proposal *types.Proposal
	prevotes []*types.Vote
	records  []*types.Record
}

func newContent(lock *consensus.Lock, records []*types.Record) *content {
	c := &content{proposal: lock.Proposal.Value(), records: records}
	for _, v := range lock.Prevotes {
		c.prevotes = append(c.prevotes, v.Value())
	}
	return c
}

func (c *content) encode() []byte {
	e := types.NewEncoder("", 0)
	e.Bytes(c.proposal.Encode())
	e.Uint32(uint32(len(c.prevotes)))
	for _, v := range c.prevotes {
		e.Bytes(v.Encode())
	}
	e.Bytes(types.EncodeRecords(c.records))
	return e.Data()
}

func decodeContent(raw []byte) (*content, error) {
	d := types.NewDecoder(raw)
	c := &content{}
	proposal := d.Bytes(len(raw))
	for range d.Count(4, types.MaxValidators) {
		v, err := types.DecodeVote(d.Bytes(len(raw)))
		if err != nil {
			return nil, err
		}
		c.prevotes = append(c.prevotes, &v)
	}
	records := d.Bytes(len(raw))
	if err := d.Finish(); err != nil {
		return nil, err
	}
	var err error
	if c.proposal, err = types.DecodeProposal(proposal); err != nil {
		return nil, err
	}
	c.records, err = types.DecodeRecords(records)
	return c, err
}

// events tells the core of the content.
func (c *content) events() []consensus.Event {
	events := []consensus.Event{consensus.ProposalArrived{Proposal: types.Vouch(c.proposal)}}
	for _, v := range c.prevotes {
		events = append(events, consensus.VoteArrived{Vote: types.Vouch(v)})
	}
	return events
}

// newSigner reads back what the validator signed before.
func newSigner(key types.PrivateKey, network types.Hash, log storage.SignLog) (*signer, error) {
	s := &signer{key: key, network: network, log: log, slots: map[slot]spoken{}, kept: map[types.Hash]*content{}}
	entries, err := log.Entries()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if err := s.readBack(entry); err != nil {
			return nil, fmt.Errorf("sign log: an entry of height %d: %w", entry.Height, err)
		}
	}
	s.spoke = entries
	return s, nil
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

// replay returns, as events, what was signed or kept at a height by an earlier
// process, so that the core takes up where that one stopped.
func (s *signer) replay(height uint64) []consensus.Event {
	var events []consensus.Event
	for _, entry := range s.spoke {
		if entry.Height == height {
			events = append(events, replayed(entry)...)
		}
	}
	s.spoke = nil
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
	case entryPass:
		p, _ := types.DecodePass(entry.Data)
		return []consensus.Event{consensus.PassArrived{Pass: types.Vouch(&p)}}
	case entryCandidate:
		c, _ := types.DecodeCandidate(entry.Data)
		return []consensus.Event{consensus.CandidateArrived{Candidate: types.Vouch(&c)}}
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
		return types.SumHash(p.SignBytes(types.Hash{})), nil
	case entryPrevote, entryPrecommit:
		v, err := types.DecodeVote(raw)
		return v.Block, err
	case entryPass, entryCandidate:
		return types.Hash{}, nil
	}
	return types.Hash{}, fmt.Errorf("its kind %d is unknown: it was written by a newer program", kind)
}

// speak returns the signed bytes for a slot: those of before if it was spoken
// in already, else those that sign makes, once they are on disk. Content given
// is put on disk in the same sync.
func (s *signer) speak(at slot, says types.Hash, with *content, sign func() []byte) ([]byte, error) {
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
	if err := s.log.Append(entries...); err != nil {
		return nil, fmt.Errorf("sign log: %w", err)
	}
	s.slots[at] = spoken{says, raw}
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
	if with != nil {
		s.kept[hash] = with
	}
	v, err := types.DecodeVote(raw)
	return &v, err
}

// proposal signs a proposal.
func (s *signer) proposal(p *types.Proposal) (*types.Proposal, error) {
	says := types.SumHash(p.SignBytes(types.Hash{}))
	raw, err := s.speak(slot{p.Height, p.Round, entryProposal}, says, nil, func() []byte {
		p.Validator = s.key.Public()
		p.Signature = s.key.Sign(p.SignBytes(s.network))
		return p.Encode()
	})
	if err != nil {
		return nil, err
	}
	return types.DecodeProposal(raw)
}

// pass signs that there is no candidate for a round.
func (s *signer) pass(height uint64, round uint32) (*types.Pass, error) {
	raw, err := s.speak(slot{height, round, entryPass}, types.Hash{}, nil, func() []byte {
		p := types.Pass{Height: height, Round: round, Validator: s.key.Public()}
		p.Signature = s.key.Sign(p.SignBytes(s.network))
		return p.Encode()
	})
	if err != nil {
		return nil, err
	}
	p, err := types.DecodePass(raw)
	return &p, err
}

// candidate signs that there is a candidate for a height.
func (s *signer) candidate(height uint64) (*types.Candidate, error) {
	raw, err := s.speak(slot{height, 0, entryCandidate}, types.Hash{}, nil, func() []byte {
		c := types.Candidate{Height: height, Validator: s.key.Public()}
		c.Signature = s.key.Sign(c.SignBytes(s.network))
		return c.Encode()
	})
	if err != nil {
		return nil, err
	}
	c, err := types.DecodeCandidate(raw)
	return &c, err
}

// prune forgets what was signed below a height: it is committed and final.
func (s *signer) prune(below uint64) error {
	for at := range s.slots {
		if at.height < below {
			delete(s.slots, at)
		}
	}
	clear(s.kept)
	return s.log.Prune(below)
}
