package settle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a settler at work on a network of one, alice, who makes blocks by a
// rule.
type rig struct {
	*Settler
	t       *testing.T
	network *inprocess.Network
	client  *client.Client
	keys    map[string]config.Keys
}

func start(t *testing.T, rule string) *rig {
	t.Helper()
	d, err := design.Sample("quickstart")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Validators = d.Spec.Validators[:1]
	d.Spec.Builder.When = rule
	d.Spec.Builder.Interval.Duration = 20 * time.Millisecond
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	n := inprocess.Start(t, d, 0)
	s := New(d.Authority, n.Genesis.Network())
	s.retry = 0
	return &rig{Settler: s, t: t, network: n, client: n.Nodes[0].Dial(), keys: map[string]config.Keys{"alice": d.Keys["alice"]}}
}

// change gives a validator a stake; one that has no keys yet gets some.
func (r *rig) change(name string, was, stake uint64) plan.StakeChange {
	k, ok := r.keys[name]
	if !ok {
		k = design.NewKeys()
		r.keys[name] = k
	}
	return plan.StakeChange{Name: name, Key: k.Sign.Public(), VRFKey: k.VRF.Public(), Was: was, Stake: stake}
}

// until takes steps towards the changes until their progress is right.
func (r *rig) until(what string, right func(Progress) bool, changes ...plan.StakeChange) {
	r.t.Helper()
	await.True(r.t, what, func() error {
		p, err := r.Step(context.Background(), r.client, Current(changes))
		if err != nil {
			return err
		}
		if !right(p) {
			return fmt.Errorf("progress: %+v", p)
		}
		return nil
	})
}

func (r *rig) stakes() string {
	r.t.Helper()
	v, err := r.client.Validators(context.Background(), 0)
	if err != nil {
		r.t.Fatal(err)
	}
	said := map[string]uint64{}
	for _, one := range plan.Counted(v) {
		said[one.Name] = one.Stake
	}
	return fmt.Sprint(said)
}

func done(n int) func(Progress) bool {
	return func(p Progress) bool { return len(p.Done) == n && len(p.UnderWay)+len(p.Dropped) == 0 }
}

func underWay(n int) func(Progress) bool {
	return func(p Progress) bool { return len(p.UnderWay) == n }
}

// A batch goes out as one, and nothing else until it is in a block.
func TestABatchAfterTheOther(t *testing.T) {
	r := start(t, "pool.size >= 2")
	first := r.change("alice", 30, 31)
	r.until("the first is sent", underWay(1), first)
	id := r.batch[0].record.ID()
	r.until("the first waits for a block", underWay(1), r.change("alice", 30, 40))
	if r.batch[0].record.ID() != id {
		t.Error("another record was sent while the first was under way")
	}
	filler := client.Mint(types.KeyedAccount(r.keys["alice"].Sign.Public()), 1)
	if err := r.client.Merge(t.Context(), filler); err != nil {
		t.Fatal(err)
	}
	r.until("the first is in a block", done(1))
	r.until("two more", done(2), r.change("alice", 31, 40), r.change("bob", 0, 5))
	if got := r.stakes(); got != "map[alice:40 bob:5]" {
		t.Errorf("the chain counts %s", got)
	}
}

// What the chain leaves out is told, and not tried again at once.
func TestWhatTheChainLeavesOut(t *testing.T) {
	r := start(t, "pool.size >= 1")
	r.retry = time.Hour
	taken := r.change("bob", 0, 5)
	taken.Name = "alice"
	r.until("a name that is taken", func(p Progress) bool { return len(p.Dropped) == 1 }, taken)
	p, err := r.Step(t.Context(), r.client, Current([]plan.StakeChange{taken}))
	want := `the change of the stake of alice was dropped: name is "alice": another validator has it`
	if err != nil || len(p.Dropped) != 1 || !strings.HasPrefix(p.Dropped[0].Error(), want) {
		t.Errorf("%+v, %v", p, err)
	}
	if s, err := r.client.Status(t.Context()); err != nil || s.PoolSize != 0 {
		t.Errorf("it is tried again at once: %d records wait (%v)", s.PoolSize, err)
	}
}

// Who restarts sends again what is under way. That the chain then leaves one of
// the two out is no failure.
func TestWhatIsSentTwice(t *testing.T) {
	r := start(t, "pool.size >= 2")
	r.until("alice and bob", done(2), r.change("alice", 30, 40), r.change("bob", 0, 5))
	leave := r.change("bob", 5, 0)
	r.until("sent", underWay(1), leave)
	first := r.batch[0].record.ID()
	r.Settler = New(r.network.Design.Authority, r.network.Genesis.Network())
	r.until("bob has left", done(1), leave)
	if r.batch[0].record.ID() == first || r.batch[0].reason == "" {
		t.Errorf("the record that was sent twice is %+v", r.batch[0])
	}
	if got := r.stakes(); got != "map[alice:40]" {
		t.Errorf("the chain counts %s", got)
	}
}

// Records that come after one that was left out wait for its nonce. They do not
// wait for ever.
func TestWhatComesAfterOneThatIsLeftOut(t *testing.T) {
	r := start(t, "pool.size >= 1")
	taken := r.change("bob", 0, 5)
	taken.Name = "alice"
	carol := r.change("carol", 0, 7)
	r.retry = time.Hour
	r.until("carol waits behind bob", func(p Progress) bool { return len(p.Dropped) == 1 && len(p.UnderWay) == 1 }, taken, carol)
	r.retry, r.quiet = 0, time.Time{}
	await.True(t, "carol is in", func() error {
		_, err := r.Step(t.Context(), r.client, Current([]plan.StakeChange{carol}))
		if got := r.stakes(); err != nil || got != "map[alice:30 carol:7]" {
			return fmt.Errorf("the chain counts %s (%w)", got, err)
		}
		return nil
	})
	r.until("it goes on", done(1), r.change("alice", 30, 40))
}

// A node that has forgotten its pool is given the same records again.
func TestANodeThatForgets(t *testing.T) {
	r := start(t, "pool.size >= 3")
	alice := r.network.Nodes[0]
	changes := []plan.StakeChange{r.change("alice", 30, 31), r.change("bob", 0, 5)}
	r.until("sent", underWay(2), changes...)
	id := r.batch[0].record.ID()
	alice.Stop()
	if _, err := r.Step(t.Context(), r.client, Current(changes)); err == nil || !strings.Contains(err.Error(), "connection") {
		t.Errorf("without a node: %v", err)
	}
	alice.Config.Builder.When = "pool.size >= 2"
	alice.Start()
	r.client = alice.Dial()
	r.until("both are in a block", done(2), changes...)
	if fate, err := r.client.Record(t.Context(), id); err != nil || fate.State != message.Committed {
		t.Errorf("the record that was sent first is %+v (%v)", fate, err)
	}
}

// A key that is not the authority's changes nothing, and the node says so.
func TestTheWrongKey(t *testing.T) {
	r := start(t, "pool.size >= 1")
	r.Settler = New(types.GenerateKey(), r.network.Genesis.Network())
	p, err := r.Step(t.Context(), r.client, Current([]plan.StakeChange{r.change("bob", 0, 5)}))
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != message.StatusBad || !strings.HasPrefix(err.Error(), "the change of stakes is not taken: pool[0].signature") {
		t.Errorf("%+v, %v", p, err)
	}
	if len(p.UnderWay) != 0 {
		t.Errorf("what was refused counts as under way: %+v", p)
	}
}

func TestCurrentLeavesOutWhatWasDecidedLongAgo(t *testing.T) {
	key := func(i byte) types.PublicKey { return types.PublicKey{i} }
	chain := message.Validators{Validators: []message.Validator{{Key: key(1), Stake: 5}, {Key: key(2), Stake: 7}, {Key: key(3)}}}
	got := Current([]plan.StakeChange{
		{Name: "as decided", Key: key(1), Was: 5, Stake: 6},
		{Name: "made already", Key: key(2), Was: 5, Stake: 7},
		{Name: "another stake by now", Key: key(2), Was: 6, Stake: 8},
		{Name: "leaving already", Key: key(3), Was: 4, Stake: 0},
		{Name: "comes back", Key: key(3), Was: 0, Stake: 4},
		{Name: "joins", Key: key(4), Was: 0, Stake: 4},
	})(chain)
	var names []string
	for _, c := range got {
		names = append(names, c.Name)
	}
	if strings.Join(names, ", ") != "as decided, comes back, joins" {
		t.Errorf("sent are %v", names)
	}
}
