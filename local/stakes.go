package local

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/settle"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/node/rpc/message"
)

// settleInterval is how often the chain's validators are held beside the
// manifest's while they differ.
const settleInterval = 100 * time.Millisecond

// settle brings the chain's validators to those of the manifest by stake
// records, which the authority's key of this folder signs, and stops the nodes
// of validators once the chain counts them no more. It returns when nothing is
// left to do.
func (n *Network) settle(ctx context.Context) {
	if n.options.Manifest.Spec.Paused {
		return // what is there stays as it is
	}
	s := &settler{Network: n, Settler: settle.New(n.authority, n.genesis.Network())}
	defer s.disconnect()
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	for {
		done, err := s.step(ctx)
		if done || ctx.Err() != nil {
			return
		}
		if err != nil {
			s.disconnect() // another node may know better
			s.report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settler is the work of settle under way.
type settler struct {
	*Network
	*settle.Settler
	client *client.Client
	next   int    // the member to connect to next
	said   string // the problem told last
}

// step does what can be done now. It reports whether nothing is left to do.
func (s *settler) step(ctx context.Context) (done bool, err error) {
	if err := s.connect(ctx); err != nil {
		return false, err
	}
	var failed error
	progress, err := s.Step(ctx, s.client, func(v message.Validators) []plan.StakeChange {
		failed = s.dismiss(v)
		changes := plan.StakeChanges(plan.Counted(v), s.topology.Genesis.Validators)
		s.announce(changes)
		done = failed == nil && len(changes) == 0 && !s.hasDeparting()
		return changes
	})
	if len(progress.Dropped) > 0 {
		s.report(progress.Dropped[0])
	}
	return done, errors.Join(err, failed)
}

// connect takes the next node that answers.
func (s *settler) connect(ctx context.Context) error {
	if s.client != nil && s.client.Err() == nil {
		return nil
	}
	s.disconnect()
	nodes := s.Watched().Nodes
	at := nodes[s.next%len(nodes)]
	s.next++
	c, err := client.Dial(ctx, at.URL(), client.Options{})
	s.client = c
	return err
}

func (s *settler) disconnect() {
	if s.client != nil {
		s.client.Close()
	}
	s.client = nil
}

// announce says what is under way.
func (s *settler) announce(changes []plan.StakeChange) {
	said := make([]string, len(changes))
	for i, c := range changes {
		said[i] = c.String()
	}
	text := strings.Join(said, ", ")
	if text == "" && s.hasDeparting() {
		text = strings.Join(s.departing, ", ") + " leaving with the coming blocks"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changing = text
}

func (s *settler) hasDeparting() bool { return len(s.departing) > 0 }

// report tells a problem once, however often it comes.
func (s *settler) report(err error) {
	if err.Error() != s.said {
		s.said = err.Error()
		s.options.Warn(logs.Warning{Node: s.options.Manifest.Name, Time: time.Now(), Text: err.Error()})
	}
}

// dismiss stops the nodes of those that the chain counts no more.
func (s *settler) dismiss(v message.Validators) error {
	for _, name := range slices.Clone(s.departing) {
		key := s.keys[name].Sign.Public()
		if slices.ContainsFunc(v.Validators, func(one message.Validator) bool { return one.Key == key }) {
			continue
		}
		s.departing = slices.DeleteFunc(s.departing, func(d string) bool { return d == name })
		if err := s.dismissMember(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *settler) dismissMember(name string) error {
	s.mu.Lock()
	at := slices.IndexFunc(s.members, func(m *member) bool { return m.about.Name == name })
	gone := s.members[at]
	s.members = slices.Delete(s.members, at, at+1)
	names := make([]string, len(s.members))
	for i, m := range s.members {
		names[i] = m.about.Name
	}
	s.mu.Unlock()
	return errors.Join(gone.close(), s.folder.SetMembers(names))
}
