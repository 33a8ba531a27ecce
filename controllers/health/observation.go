// Package health judges a network by what its nodes answered: an ordered list
// of checks, each of which gives one condition with reason and message, and the
// status that shows them. It is pure; laptop and operator gather the answers
// each in their own way and judge alike.
package health

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Observation is what was seen of a network at one time.
type Observation struct {
	Time       time.Time
	Generation int64 // of the spec
	Hibernated bool
	Paused     bool
	// Changing says in one clause what is being brought to what the spec says;
	// empty: nothing.
	Changing string
	Nodes    []Node // those of the spec in its order, those departing last
	// What the furthest of the nodes answered beside; nil where none did.
	Validators *message.Validators
	Fairness   *message.Fairness
	Evidence   []message.Evidence
	Endpoints  v1alpha1.Endpoints
}

// Node is what one validator's node answered.
type Node struct {
	Name    string
	Address string           // host:port of its client API
	Stake   uint64           // by the spec, in tokens; 0: departing
	Status  *message.Status  // nil: it does not answer
	Winners []message.Winner // its newest, newest first
}

// facts are what the checks go by, gathered once.
type facts struct {
	Observation
	head      *Node // the furthest node that answers
	effective map[string]message.Validator
	total     uint64 // stake that counts at the height under way
	online    uint64 // of it, that of nodes that answer
	agreeing  uint64 // of it, that of nodes that are caught up as well
	silent    []string
	behind    []string
	forked    string // which two hold different blocks; empty: none ever did
}

func gather(o Observation, previous []metav1.Condition) *facts {
	f := &facts{Observation: o, effective: map[string]message.Validator{}}
	if o.Validators != nil {
		for _, v := range o.Validators.Validators {
			f.effective[v.Name] = v
			f.total += v.EffectiveStake
		}
	} else {
		for _, n := range o.Nodes {
			f.total += n.Stake
		}
	}
	for i := range o.Nodes {
		f.add(&o.Nodes[i])
	}
	f.forked = findFork(o.Nodes)
	for _, c := range previous {
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
	if f.head == nil || n.Status.Height > f.head.Status.Height {
		f.head = n
	}
	stake := f.effective[n.Name].EffectiveStake
	f.online += stake
	if n.Status.Ready {
		f.agreeing += stake
	} else {
		f.behind = append(f.behind, n.Name)
	}
}

// isQuorum reports whether stake is more than two thirds of the total.
func (f *facts) isQuorum(stake uint64) bool { return f.total > 0 && 3*stake > 2*f.total }

// margin is the stake that may yet fail with a quorum left.
func (f *facts) margin() uint64 {
	if !f.isQuorum(f.online) {
		return 0
	}
	return f.online - (2*f.total/3 + 1)
}

// findFork holds the nodes' newest blocks beside each other: the same height
// must have the same hash, however far each node is.
func findFork(nodes []Node) string {
	type seen struct {
		hash types.Hash
		by   string
	}
	at := map[uint64]seen{}
	for _, n := range nodes {
		for _, w := range n.Winners {
			if s, ok := at[w.Height]; !ok {
				at[w.Height] = seen{w.Hash, n.Name}
			} else if s.hash != w.Hash {
				return fmt.Sprintf("%s and %s hold different blocks at height %d", s.by, n.Name, w.Height)
			}
		}
	}
	return ""
}
