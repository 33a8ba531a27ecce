package nodes

import (
	"slices"

	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
)

// look makes a snapshot.
func (f *follower) look() *Snapshot {
	s := &Snapshot{
		Validators: f.learned.validators, Fairness: f.learned.fairness, Evidence: f.learned.evidence,
		Settling: f.progress, Unsettled: f.unsettled,
	}
	upTo := map[uint64][]message.Winner{}
	for _, n := range f.nodes {
		s.Nodes = append(s.Nodes, Node{
			Node: health.Node{
				Name: n.Name, Address: n.Address, Stake: n.Stake, Status: n.status, Winners: f.winners(n, upTo), Blocks: n.blocks,
				Working: n.working, Told: n.told,
			},
			Key: n.Key, Pod: n.Pod, Online: n.abreast && n.status.Voting, Since: n.since, Problem: n.problem, Strange: n.strange,
		})
	}
	return s
}

// winners are the newest of a node's blocks, newest first: those that the voice
// told of, where the hash of the node's head says that it has the same. upTo holds
// them by height.
func (f *follower) winners(n *node, upTo map[uint64][]message.Winner) []message.Winner {
	if n.status == nil || len(f.recent) == 0 {
		return nil
	}
	first, most := f.recent[0].Height, message.DefaultWinners
	if n == f.voice {
		most = minRecent
	}
	at := int(n.status.Height) - int(first)
	if n.status.Height < first || at >= len(f.recent) || f.recent[at].Hash != n.status.HeadHash {
		return nil
	}
	if list, ok := upTo[n.status.Height]; ok && n != f.voice {
		return list
	}
	list := slices.Clone(f.recent[max(0, at+1-most) : at+1])
	slices.Reverse(list)
	if n != f.voice {
		upTo[n.status.Height] = list
	}
	return list
}
