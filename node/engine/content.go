package engine

import (
	"github.com/posnet/posnet/node/consensus"
	"github.com/posnet/posnet/node/types"
)

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
	proposal, records := c.proposal.Encode(), types.EncodeRecords(c.records)
	e := types.NewEncoder("", 12+len(proposal)+len(c.prevotes)*(4+maxVoteBytes)+len(records))
	e.Bytes(proposal)
	e.Uint32(uint32(len(c.prevotes)))
	for _, v := range c.prevotes {
		e.Bytes(v.Encode())
	}
	e.Bytes(records)
	return e.Data()
}

// maxVoteBytes is room for an encoded vote.
const maxVoteBytes = 160

func decodeContent(raw []byte) (*content, error) {
	d := types.NewDecoder(raw)
	c := &content{}
	proposal := d.Bytes(len(raw))
	for range d.Count(4, types.MaxValidators) {
		vote := d.Bytes(maxVoteBytes)
		if d.Err() != nil {
			break
		}
		v, err := types.DecodeVote(vote)
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
