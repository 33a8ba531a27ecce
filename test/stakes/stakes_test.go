// Package stakes_test changes, by the authority's records, who the validators
// of a running chain are and what they weigh.
package stakes_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// effect is how many heights after its block a change of stake counts.
	effect = 2
	// drawDelay is how many heights after its block a new validator is drawn.
	drawDelay = 16
)

// authority is who may change stakes, at work.
type authority struct {
	t       *testing.T
	network *inprocess.Network
	account *client.Account
	client  *client.Client
}

// start starts the network of the quickstart, which here makes blocks all the
// time.
func start(t *testing.T) *authority {
	t.Helper()
	d, err := design.Sample("quickstart")
	if err != nil {
		t.Fatal(err)
	}
	d.Spec.Builder.When = "idle >= duration('10ms')"
	d.Spec.Builder.Interval.Duration = 10 * time.Millisecond
	d.Spec.Consensus.MinBlockInterval.Duration = 0
	d.Spec.Consensus.ProposeTimeout.Duration = 200 * time.Millisecond
	n := inprocess.Start(t, d, 1)
	return &authority{
		t: t, network: n, client: n.Nodes[0].Dial(),
		account: client.NewAccount(d.Authority, n.Genesis.Network(), 0),
	}
}

// set gives a validator a stake and returns the height of the block that says so.
func (a *authority) set(name string, keys config.Keys, stake uint64) (height uint64) {
	a.t.Helper()
	r := a.account.Sign(&types.Record{
		Type: types.StakeChange, Name: name, Validator: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: stake,
	})
	if err := a.client.Merge(context.Background(), r); err != nil {
		a.t.Fatalf("stake %d for %s: %v", stake, name, err)
	}
	await.True(a.t, "the change is in a block", func() error {
		found, err := a.client.Record(context.Background(), r.ID())
		if err == nil && found.State != message.Committed {
			err = fmt.Errorf("the record is %s", found.State)
		}
		height = found.Height
		return err
	})
	return height
}

// reach waits until these nodes have a height.
func (a *authority) reach(height uint64, nodes ...*inprocess.Node) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	for _, v := range nodes {
		if err := v.Backend().WaitBlock(ctx, height); err != nil {
			a.t.Fatalf("%s is at height %d, and should come to %d: %v", v.Name, v.Backend().Head(), height, err)
		}
	}
}

// weights are who is drawn at a height, and with what.
func (a *authority) weights(height uint64) (weights map[string]uint64, total uint64) {
	a.t.Helper()
	d, err := a.client.Draw(context.Background(), height, 1)
	if err != nil {
		a.t.Fatal(err)
	}
	weights = map[string]uint64{}
	for _, p := range d.Participants {
		weights[p.Name] = p.Weight
	}
	return weights, d.TotalWeight
}

func (a *authority) status(v *inprocess.Node) message.Status {
	a.t.Helper()
	s, err := v.Backend().Status(context.Background())
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// join starts the node of a validator that no other node knows of yet.
func (a *authority) join(name string, keys config.Keys) *inprocess.Node {
	n := a.network
	site := n.Ports.Next(n.Design)
	c := *n.Nodes[0].Config
	c.Name, c.Key, c.Listen, c.Peers = name, keys.Sign.Public(), site.Listen, nil
	for _, v := range n.Nodes {
		c.Peers = append(c.Peers, config.Peer{Name: v.Name, Key: n.Design.Keys[v.Name].Sign.Public(), Address: v.Config.Listen.P2P})
	}
	return n.Add(&c, keys)
}

// A validator that is added is caught up with, votes two heights later and is
// drawn sixteen later; a changed stake weighs two heights later; one that is
// removed is no part of the quorum two heights later.
func TestValidatorsComeChangeAndGo(t *testing.T) {
	a := start(t)
	old := a.network.Nodes
	keys := design.NewKeys()
	erin := a.join("erin", keys)
	strangerIsRefused(t, old, keys)

	// Half of all stake: without erin's vote no block can be final.
	added := a.set("erin", keys, 100)
	a.reach(added+drawDelay+1, append(slices.Clone(old), erin)...)
	if s := a.status(erin); !s.Voting || s.TotalStake != 200 || s.Validators != 5 {
		t.Errorf("erin's status is %+v", s)
	}
	for height := added; height <= added+drawDelay; height++ {
		weights, total := a.weights(height)
		if in := height == added+drawDelay; (weights["erin"] == 100) != in || (total == 200) != in {
			t.Errorf("block %d added erin; at height %d those drawn are %v", added, height, weights)
		}
	}
	a.wins("erin", added)

	dave := a.network.Design.Keys["dave"]
	changed := a.set("dave", dave, 100)
	a.reach(changed+50, old...)
	for height := changed; height <= changed+effect; height++ {
		want := uint64(20)
		if height == changed+effect {
			want = 100
		}
		if weights, _ := a.weights(height); weights["dave"] != want {
			t.Errorf("block %d changed dave's stake; at height %d those drawn are %v", changed, height, weights)
		}
	}
	a.checkExpected()

	// Without erin's 100 of 280 there was no quorum before.
	removed := a.set("erin", keys, 0)
	a.reach(removed+effect, old...)
	if weights, _ := a.weights(removed + 1); weights["erin"] != 100 {
		t.Errorf("block %d removed erin; one height later those drawn are %v", removed, weights)
	}
	if weights, total := a.weights(removed + effect); weights["erin"] != 0 || total != 180 {
		t.Errorf("block %d removed erin; two heights later those drawn are %v", removed, weights)
	}
	for _, v := range old {
		await.True(t, v.Name+" is not linked with erin any more", func() error {
			if s := a.status(v); s.Peers != 3 || s.Validators != 4 {
				return fmt.Errorf("it has %d peers of %d validators", s.Peers, s.Validators)
			}
			return nil
		})
	}
	erin.Stop()
	a.reach(old[1].Backend().Head()+20, old...)

	alice := a.network.Design.Keys["alice"]
	a.client = old[1].Dial()
	removed = a.set("alice", alice, 0)
	a.reach(removed+effect, old[1:]...)
	old[0].Stop()
	a.reach(old[1].Backend().Head()+20, old[1:]...)
	if weights, total := a.weights(0); total != 150 || len(weights) != 3 {
		t.Errorf("in the end those drawn are %v", weights)
	}
}

// strangerIsRefused waits until all nodes have refused a link to a key that is
// no validator's, and said so.
func strangerIsRefused(t *testing.T, nodes []*inprocess.Node, keys config.Keys) {
	t.Helper()
	want := fmt.Sprintf("key %s is neither a validator of this network nor a peer in the config here", keys.Sign.Public().Short())
	for _, v := range nodes {
		await.True(t, v.Name+" refuses a stranger", func() error {
			for _, line := range v.Log.Find("connection refused") {
				if line["why"] == want {
					return nil
				}
			}
			return errors.New("its log does not say so")
		})
	}
}

// wins waits until a validator has won a block above a height.
func (a *authority) wins(name string, above uint64) {
	a.t.Helper()
	next := int64(above)
	await.True(a.t, name+" wins a block", func() error {
		page, err := a.client.Blocks(context.Background(), client.BlocksArgs{Start: next})
		if err != nil {
			return err
		}
		next = int64(page.Next)
		if !slices.ContainsFunc(page.Blocks, func(b message.Block) bool { return b.Name == name }) {
			return fmt.Errorf("not up to block %d", next)
		}
		return nil
	})
}

// checkExpected checks that the audit expects of each validator what its stakes
// over time make of it.
func (a *authority) checkExpected() {
	a.t.Helper()
	f, err := a.client.Fairness(context.Background())
	if err != nil {
		a.t.Fatal(err)
	}
	expected := map[string]float64{}
	for height := uint64(1); height <= f.Draws; height++ {
		weights, total := a.weights(height)
		for name, w := range weights {
			expected[name] += float64(w) / float64(total)
		}
	}
	for _, p := range f.Participants {
		if math.Abs(p.Expected-expected[p.Name]) > 1e-6 {
			a.t.Errorf("over %d draws %v of %s's are expected by the audit, and %v by its stakes", f.Draws, p.Expected, p.Name, expected[p.Name])
		}
	}
	if len(f.Participants) != 5 || f.PValue < 1e-9 {
		a.t.Errorf("the audit says %+v", f)
	}
}

// A change that is not the authority's, or makes no sense, changes nothing.
func TestChangesThatAreRefused(t *testing.T) {
	a := start(t)
	d := a.network.Design
	stranger := design.NewKeys()
	ctx := context.Background()
	change := func(name string, keys config.Keys, stake uint64) *types.Record {
		return &types.Record{Type: types.StakeChange, Name: name, Validator: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: stake}
	}

	other := client.NewAccount(stranger.Sign, a.network.Genesis.Network(), 0)
	err := a.client.Merge(ctx, other.Sign(change("erin", stranger, 1000)))
	want := fmt.Sprintf("pool[0].signature is not that of key %s over this record for this network", d.Authority.Public().Short())
	if err == nil || err.Error() != want {
		t.Errorf("a stranger's change: got %v, want %s", err, want)
	}

	half := config.Keys{Sign: stranger.Sign, VRF: d.Keys["bob"].VRF}
	for _, test := range []struct {
		record *types.Record
		want   string
	}{
		{change("erin", stranger, 0), fmt.Sprintf("validator %s is no validator: there is nothing to remove", stranger.Sign.Public().Short())},
		{change("alice", stranger, 5), fmt.Sprintf(`name is "alice": another validator has it, %s`, d.Keys["alice"].Sign.Public().Short())},
		{change("erin", half, 5), `vrfKey is that of validator "bob": each must have its own`},
		{change("bobby", d.Keys["bob"], 5), `name is "bobby": the validator with this key is "bob", and its name stays`},
		{change("erin", stranger, types.MaxAmount), fmt.Sprintf("stake is %d: all stakes together would be %d, and may be %d at most", types.MaxAmount, types.MaxAmount+100, types.MaxAmount)},
	} {
		if err := a.account.Sync(ctx, a.client); err != nil {
			t.Fatal(err)
		}
		r := a.account.Sign(test.record)
		if err := a.client.Merge(ctx, r); err != nil {
			if err.Error() != "pool[0]."+test.want {
				t.Errorf("refused: %v\nwant %s", err, test.want)
			}
			continue
		}
		await.True(t, "the change is dropped", func() error {
			found, err := a.client.Record(ctx, r.ID())
			if err != nil || found.State != message.Dropped || found.Reason != test.want {
				return fmt.Errorf("%s: %s (%w), want %s", found.State, found.Reason, err, test.want)
			}
			return nil
		})
	}
	if weights, total := a.weights(0); total != 100 || len(weights) != 4 {
		t.Errorf("in the end those drawn are %v", weights)
	}
}
