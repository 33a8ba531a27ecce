// Package settle brings the validators of a running chain to what is wanted of
// them: by stake records, which the network's authority signs, and which are
// looked after until they are in a block. It waits for nothing but answers of one
// node: whoever drives it, laptop or operator, takes step after step in their own
// time, and decides anew at each what is wanted.
package settle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// retryAfter is how long after the chain has left out a change nothing is sent:
// what is wrong with it is rarely put right by trying again, and each try costs
// a place in the pool.
const retryAfter = 10 * time.Second

// Settler sends changes of stake to one network, a batch at a time: the next goes
// out when every record of the one before has had its fate. It is for one
// goroutine at a time.
type Settler struct {
	account *client.Account
	batch   []*sent       // in the order of their nonces
	quiet   time.Time     // nothing is sent before
	retry   time.Duration // retryAfter
}

// sent is a change whose record is on its way, or has arrived.
type sent struct {
	change plan.StakeChange
	record *types.Record
	state  message.RecordState // empty: not known yet
	reason string              // dropped: why
}

// Progress is how far the newest batch is.
type Progress struct {
	UnderWay []plan.StakeChange // sent, and in no block yet
	Done     []plan.StakeChange // in a block
	Dropped  []Dropped          // left out by the chain; tried again later, if they are still wanted
}

// Dropped is a change that the chain has left out.
type Dropped struct {
	plan.StakeChange
	Reason string // in the words of the node
}

// Error says which change was dropped, and why.
func (d Dropped) Error() string {
	return fmt.Sprintf("the change of the stake of %s was dropped: %s", d.Name, d.Reason)
}

// New returns a settler for the network with an id, whose authority has the key.
func New(authority types.PrivateKey, network types.Hash) *Settler {
	return &Settler{account: client.NewAccount(authority, network, 0), retry: retryAfter}
}

// Step does what can be done now through one node. decide is given the validators
// as the chain has them, and returns the changes that may be sent now, in their
// order; it is not asked while the node is not caught up, for that would tell of
// validators of long ago. The error is the connection's, or says what the node
// refuses; another node may know better at the next step.
func (s *Settler) Step(ctx context.Context, c *client.Client, decide func(message.Validators) []plan.StakeChange) (Progress, error) {
	if err := s.follow(ctx, c); err != nil {
		return s.progress(), err
	}
	status, err := c.Status(ctx)
	if err != nil || !status.Ready {
		return s.progress(), err
	}
	chain, err := c.Validators(ctx, 0)
	if err != nil {
		return s.progress(), err
	}
	s.forgive(chain)
	changes := decide(chain)
	if len(changes) == 0 || time.Now().Before(s.quiet) {
		return s.progress(), nil
	}
	switch {
	case s.isStuck():
		err = s.send(ctx, c, changes[:1])
	case !s.isUnderWay():
		err = s.send(ctx, c, changes)
	}
	return s.progress(), err
}

// follow asks what became of the records that are under way. Those that the node
// does not know, having restarted or never heard of them, are sent again as they
// are: where one has arrived after all, that is no harm.
func (s *Settler) follow(ctx context.Context, c *client.Client) error {
	var lost []*types.Record
	for _, one := range s.batch {
		if one.ended() {
			continue
		}
		fate, err := c.Record(ctx, one.record.ID())
		var refused *client.Error
		switch {
		case errors.As(err, &refused) && refused.Status == message.StatusNotFound:
			lost = append(lost, one.record)
		case err != nil:
			return err
		default:
			one.state, one.reason = fate.State, fate.Reason
		}
		if one.state == message.Dropped {
			s.quiet = time.Now().Add(s.retry)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return s.merge(ctx, c, lost)
}

// forgive takes for done what was dropped because it was so already: a record
// that was sent twice, as after a restart of the sender.
func (s *Settler) forgive(chain message.Validators) {
	for _, one := range s.batch {
		if one.state == message.Dropped && stakeOf(chain, one.change.Key) == one.change.Stake {
			one.state = message.Committed
		}
	}
	if !slices.ContainsFunc(s.batch, func(one *sent) bool { return one.state == message.Dropped }) {
		s.quiet = time.Time{}
	}
}

// isUnderWay reports whether the newest batch has records without a fate.
func (s *Settler) isUnderWay() bool {
	return slices.ContainsFunc(s.batch, func(one *sent) bool { return !one.ended() })
}

// isStuck reports whether records wait for the nonce of one that was dropped:
// until another record has that, they are in no block.
func (s *Settler) isStuck() bool {
	i := slices.IndexFunc(s.batch, func(one *sent) bool { return one.state == message.Dropped })
	return i >= 0 && slices.ContainsFunc(s.batch[i:], func(one *sent) bool { return !one.ended() })
}

// send signs a record for each change and brings them into the pool. What still
// waits there comes after them.
func (s *Settler) send(ctx context.Context, c *client.Client, changes []plan.StakeChange) error {
	if err := s.account.Sync(ctx, c); err != nil {
		return err
	}
	left := slices.DeleteFunc(s.batch, (*sent).ended)
	s.batch = nil
	var records []*types.Record
	for _, change := range changes {
		r := s.account.Sign(change.Record())
		s.batch, records = append(s.batch, &sent{change: change, record: r}), append(records, r)
	}
	s.batch = append(s.batch, left...)
	return s.merge(ctx, c, records)
}

// merge brings records into the pool. When the node refuses them the batch is
// given up: the next one begins with the chain as it is then.
func (s *Settler) merge(ctx context.Context, c *client.Client, records []*types.Record) error {
	err := c.Merge(ctx, records...)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Status != message.StatusNotReady && refused.Status != message.StatusTooFast {
		s.batch = nil
	}
	if err != nil {
		return fmt.Errorf("the change of stakes is not taken: %w", err)
	}
	return nil
}

func (s *Settler) progress() (p Progress) {
	for _, one := range s.batch {
		switch one.state {
		case message.Committed:
			p.Done = append(p.Done, one.change)
		case message.Dropped:
			p.Dropped = append(p.Dropped, Dropped{one.change, one.reason})
		default:
			p.UnderWay = append(p.UnderWay, one.change)
		}
	}
	return p
}

func (o *sent) ended() bool { return o.state == message.Committed || o.state == message.Dropped }

// Current returns a function for Step that sends of the given changes those that
// start from the stakes as the chain has them. Others were decided on when it had
// other stakes: they are made already, or must be decided on anew.
func Current(changes []plan.StakeChange) func(message.Validators) []plan.StakeChange {
	return func(chain message.Validators) (out []plan.StakeChange) {
		for _, c := range changes {
			if was := stakeOf(chain, c.Key); was == c.Was && was != c.Stake {
				out = append(out, c)
			}
		}
		return out
	}
}

// stakeOf is a validator's stake by the newest block; 0: it is none.
func stakeOf(chain message.Validators, key types.PublicKey) uint64 {
	for _, v := range chain.Validators {
		if v.Key == key {
			return v.Stake
		}
	}
	return 0
}
