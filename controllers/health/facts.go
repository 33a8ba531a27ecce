package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// facts are what the checks go by, gathered once.
type facts struct {
	Observation
	stakes   stakes
	head     *Node  // the node that has the height to be believed; nil: none answers
	online   uint64 // stake that counts, of nodes that answer
	agreeing uint64 // of it, that of nodes that are caught up as well
	silent   []string
	behind   []string
	lying    []string // what they tell of, each in a clause
	stalled  string   // how the chain stands still; empty: it does not
	forked   string   // which two hold different blocks; empty: none ever did
}

func gather(o Observation, previous v1alpha1.PosNetworkStatus) *facts {
	f := &facts{Observation: o, stakes: newStakes(o, previous)}
	f.head = f.stakes.head(o.Nodes)
	for i := range o.Nodes {
		f.add(&o.Nodes[i])
	}
	f.stalled = f.findStall()
	f.forked = findFork(o.Nodes)
	for _, c := range previous.Conditions {
		if c.Type == v1alpha1.ConditionDiverged && c.Status == metav1.ConditionTrue {
			f.forked = c.Message // once diverged stays so: that takes a person to mend
		}
	}
	return f
}

func (f *facts) add(n *Node) {
	if n.Status == nil {
		f.silent = append(f.silent, n.Name)
		return
	}
	stake := f.stakes.of(n)
	f.online += stake
	switch {
	case n.Told > f.head.Status.Height:
		f.lying = append(f.lying, fmt.Sprintf("%s tells of a block %d that no other has", n.Name, n.Told))
	case !n.Status.Ready:
		f.behind = append(f.behind, n.Name)
	default:
		f.agreeing += stake
	}
}

// isQuorum reports whether stake is more than two thirds of the total.
func (f *facts) isQuorum(stake uint64) bool {
	return f.stakes.total > 0 && 3*stake > 2*f.stakes.total
}

// margin is the stake that may yet fail with a quorum left.
func (f *facts) margin() uint64 {
	if !f.isQuorum(f.online) {
		return 0
	}
	return f.online - (2*f.stakes.total/3 + 1)
}

// findStall says how a chain stands still that could go on: nodes with more than
// a third of the stake have worked at the same block for too long.
func (f *facts) findStall() string {
	if f.Patience == 0 || f.head == nil || !f.isQuorum(f.online) {
		return ""
	}
	var stake uint64
	var alone []string
	for i := range f.Nodes {
		n := &f.Nodes[i]
		if n.Status == nil {
			continue
		}
		if !n.Working.IsZero() && f.Time.Sub(n.Working) > f.Patience {
			stake += f.stakes.of(n)
		}
		if s := n.Status; 3*s.OnlineStake <= 2*s.TotalStake {
			alone = append(alone, n.Name)
		}
	}
	if 3*stake <= f.stakes.total {
		return ""
	}
	text := fmt.Sprintf("the chain stands still: block %d has been worked at for more than %s, in round %d by now", f.head.Status.Height+1, f.Patience, f.head.Status.Round)
	if len(alone) > 0 {
		text += fmt.Sprintf("; %s linked with too few of the others for a quorum", isOrAre(alone))
	}
	return text
}

// findFork holds the nodes' blocks beside each other: the same height must have
// the same hash, however far each node is.
func findFork(nodes []Node) string {
	type seen struct {
		hash types.Hash
		by   string
	}
	at := map[uint64]seen{}
	for _, n := range nodes {
		for _, b := range blocks(n) {
			if s, ok := at[b.height]; !ok {
				at[b.height] = seen{b.hash, n.Name}
			} else if s.hash != b.hash {
				return fmt.Sprintf("%s and %s hold different blocks at height %d", s.by, n.Name, b.height)
			}
		}
	}
	return ""
}

type block struct {
	height uint64
	hash   types.Hash
}

// blocks are those whose hash a node gave, the highest first.
func blocks(n Node) []block {
	var out []block
	if n.Status != nil {
		out = append(out, block{n.Status.Height, n.Status.HeadHash})
	}
	for _, w := range n.Winners {
		out = append(out, block{w.Height, w.Hash})
	}
	for height, hash := range n.Blocks {
		out = append(out, block{height, hash})
	}
	slices.SortStableFunc(out, func(a, b block) int { return cmp.Compare(b.height, a.height) })
	return out
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}

// stakes are what validators weigh at the height under way.
type stakes struct {
	total uint64
	chain map[string][]message.Validator // by name, as the chain has them; nil: it does not answer
	last  map[string]uint64              // what was known before; nil: nothing was
}

func newStakes(o Observation, previous v1alpha1.PosNetworkStatus) stakes {
	var s stakes
	switch {
	case o.Validators != nil:
		s.chain = map[string][]message.Validator{}
		for _, v := range o.Validators.Validators {
			s.chain[v.Name] = append(s.chain[v.Name], v)
			s.total += v.EffectiveStake
		}
	case previous.TotalStake > 0:
		s.last, s.total = map[string]uint64{}, uint64(previous.TotalStake)
		for _, v := range previous.Validators {
			s.last[v.Name] = uint64(v.EffectiveStake)
		}
	default:
		for _, n := range o.Nodes {
			s.total += n.Stake
		}
	}
	return s
}

// validator is what the chain has of a node's validator. One that runs with
// another key than the chain counts is none of its validators.
func (s stakes) validator(n *Node) message.Validator {
	for _, v := range s.chain[n.Name] {
		if n.Status == nil || n.Status.Key == v.Key {
			return v
		}
	}
	return message.Validator{}
}

func (s stakes) of(n *Node) uint64 {
	switch {
	case s.chain != nil:
		return s.validator(n).EffectiveStake
	case s.last != nil:
		return s.last[n.Name]
	}
	return n.Stake
}

// head is the node whose height is to be believed: the greatest that nodes with
// more than a third of the stake tell of, one of which is honest. Those that are
// not caught up say themselves that there is more. Where too few are left, it is
// the furthest.
func (s stakes) head(nodes []Node) *Node {
	var ready, all []*Node
	for i := range nodes {
		if n := &nodes[i]; n.Status != nil {
			if all = append(all, n); n.Status.Ready {
				ready = append(ready, n)
			}
		}
	}
	byHeight := func(a, b *Node) int { return cmp.Compare(b.Status.Height, a.Status.Height) }
	slices.SortStableFunc(ready, byHeight)
	var sum uint64
	for _, n := range ready {
		if sum += s.of(n); 3*sum > s.total {
			return n
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, byHeight)
	return all[0]
}

// Head returns the node to ask for what one node can say of all: the one whose
// height is to be believed, by the stakes of the previous status where the
// observation has none yet. It is nil if no node answers.
func Head(o Observation, previous v1alpha1.PosNetworkStatus) *Node {
	return newStakes(o, previous).head(o.Nodes)
}
