package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/rollout"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

var keys = map[string]types.PublicKey{}

func key(name string) types.PublicKey {
	if _, ok := keys[name]; !ok {
		keys[name] = types.NewPrivateKey(types.SumHash([]byte(name))).Public()
	}
	return keys[name]
}

// stakes reads "alice 30, bob 27": what is online, what the chain counts and
// what is wanted. A name such as bob' is bob with another key.
func stakes(t *testing.T, online, chain, wanted string) rollout.Stakes {
	t.Helper()
	s := rollout.Stakes{Online: map[types.PublicKey]bool{}}
	for _, name := range strings.Fields(online) {
		s.Online[key(name)] = true
	}
	each := func(list string, f func(name string, stake uint64)) {
		for _, one := range strings.Split(list, ", ") {
			var name string
			var stake uint64
			if _, err := fmt.Sscanf(one, "%s %d", &name, &stake); err != nil {
				t.Fatalf("%q: %v", one, err)
			}
			f(name, stake)
		}
	}
	each(chain, func(name string, stake uint64) {
		s.Chain.Validators = append(s.Chain.Validators, message.Validator{
			Name: strings.TrimSuffix(name, "'"), Key: key(name), VRFKey: key(name + "/vrf"), Stake: stake, EffectiveStake: stake,
		})
	})
	each(wanted, func(name string, stake uint64) {
		s.Wanted = append(s.Wanted, genesis.Validator{Name: strings.TrimSuffix(name, "'"), Key: key(name), VRFKey: key(name + "/vrf"), Stake: stake})
	})
	return s
}

func TestChanges(t *testing.T) {
	const four = "alice 30, bob 27, carol 23, dave 20"
	const all = "alice bob carol dave"
	for name, tt := range map[string]struct {
		online, chain, wanted string
		send, waiting, held   string
	}{
		"nothing to do": {online: all, chain: four, wanted: four},
		"a stake edited": {online: all, chain: four, wanted: "alice 31, bob 27, carol 20, dave 20",
			send: "the stake of carol goes from 23 to 20, the stake of alice goes from 30 to 31"},
		"one joins": {online: all + " erin", chain: four, wanted: four + ", erin 40", send: "erin joins with a stake of 40"},
		"one joins, not caught up": {online: all, chain: four, wanted: four + ", erin 40",
			waiting: "erin joins with a stake of 40 once caught up"},
		"one leaves": {online: all, chain: four, wanted: "alice 30, bob 27, carol 23", send: "dave leaves with its stake of 20"},
		"one in place of another": {online: all, chain: four, wanted: "alice 30, bob 27, carol 23, erin 20",
			waiting: "erin joins with a stake of 20 once caught up; then dave leaves with its stake of 20"},
		"one in place of another that is dead": {online: "alice bob carol", chain: four, wanted: "alice 30, bob 27, carol 23, erin 20",
			send: "dave leaves with its stake of 20", waiting: "erin joins with a stake of 20 once caught up"},
		"all in place of all": {online: all, chain: four, wanted: "erin 9",
			waiting: "erin joins with a stake of 9 once caught up; then carol leaves with its stake of 23, dave leaves with its stake of 20, alice leaves with its stake of 30, bob leaves with its stake of 27"},
		"more to one that is down": {online: "alice bob carol", chain: four, wanted: "alice 30, bob 27, carol 23, dave 50",
			held: "the stake of dave goes from 20 to 50: held back, as then 80 of a total stake of 130 would be online; more than two thirds are needed. It goes on when dave is online, or take the edit back"},
		"a little more to one that is down": {online: "alice bob carol", chain: four, wanted: "alice 30, bob 27, carol 23, dave 30",
			send: "the stake of dave goes from 20 to 30"},
		"one that is up leaves while another is down": {online: "alice bob carol", chain: four, wanted: "alice 30, bob 5, dave 20",
			send: "the stake of bob goes from 27 to 5",
			held: "carol leaves with its stake of 23: held back, as then 35 of a total stake of 55 would be online; more than two thirds are needed. It goes on when dave is online, or take the edit back"},
		"what fits goes on": {online: "alice bob carol", chain: four, wanted: "alice 35, bob 27, carol 23, dave 90",
			send: "the stake of alice goes from 30 to 35",
			held: "the stake of dave goes from 20 to 90: held back, as then 85 of a total stake of 175 would be online; more than two thirds are needed. It goes on when dave is online, or take the edit back"},
		"less after more, where it costs the quorum before": {online: "alice bob carol", chain: four, wanted: "alice 1, bob 80, carol 1, dave 20",
			send: "the stake of alice goes from 30 to 1, the stake of bob goes from 27 to 80, the stake of carol goes from 23 to 1"},
		"the quorum is lost": {online: "alice bob", chain: four, wanted: "alice 30, bob 27, carol 23, dave 1",
			held: "the stake of dave goes from 20 to 1: no change of stake can be agreed on while the quorum is lost. It goes on when more validators are online"},
		"a new key": {online: "alice bob carol", chain: four, wanted: "alice 30, bob 27, carol 23, dave' 20",
			send: "dave leaves with its stake of 20", waiting: "dave joins with a stake of 20 once caught up"},
		"a new key, and its node is up": {online: "alice bob carol dave'", chain: four, wanted: "alice 30, bob 27, carol 23, dave' 20",
			send: "dave leaves with its stake of 20, dave joins with a stake of 20"},
		"a new key, and its node is up with the old one": {online: all, chain: four, wanted: "alice 30, bob 27, carol 23, dave' 20",
			send: "dave leaves with its stake of 20", waiting: "dave joins with a stake of 20 once caught up"},
		"more than there may be on the way": {online: "alice bob", chain: "alice 6000000000000000, bob 1000000000000000, carol 2000000000000000",
			wanted: "alice 1000000000000000, bob 6000000000000000, carol 2000000000000000",
			held:   "the stake of alice goes from 6000000000000000 to 1000000000000000, the stake of bob goes from 1000000000000000 to 6000000000000000: held back, as there is no order in which the chain takes these and keeps its quorum. Make the edit in smaller steps"},
		"a new key of the only one": {online: "alice", chain: "alice 5", wanted: "alice' 5",
			held: "alice joins with a stake of 5, alice leaves with its stake of 5: held back, as there is no order in which the chain takes these and keeps its quorum. Make the edit in smaller steps"},
		"as much as there may be": {online: "alice bob", chain: "alice 9007199254740980, bob 11", wanted: "alice 11, bob 9007199254740980",
			send: "the stake of alice goes from 9007199254740980 to 11, the stake of bob goes from 11 to 9007199254740980"},
	} {
		t.Run(name, func(t *testing.T) {
			c := rollout.NewChanges(stakes(t, tt.online, tt.chain, tt.wanted))
			if got := said(c.Send); got != tt.send {
				t.Errorf("sent:\n got %s\nwant %s", got, tt.send)
			}
			if c.Waiting != tt.waiting {
				t.Errorf("waiting:\n got %s\nwant %s", c.Waiting, tt.waiting)
			}
			if c.Held != tt.held {
				t.Errorf("held:\n got %s\nwant %s", c.Held, tt.held)
			}
		})
	}
}

// One that takes the place of another in a network that is full comes after it.
func TestChangesOfAFullNetwork(t *testing.T) {
	s := rollout.Stakes{Online: map[types.PublicKey]bool{key("new"): true}}
	for i := range types.MaxValidators {
		name := fmt.Sprint("v", i)
		s.Online[key(name)] = true
		s.Chain.Validators = append(s.Chain.Validators, message.Validator{Name: name, Key: key(name), Stake: 1, EffectiveStake: 1})
		s.Wanted = append(s.Wanted, genesis.Validator{Name: name, Key: key(name), Stake: 1})
	}
	s.Wanted[7] = genesis.Validator{Name: "new", Key: key("new"), Stake: 1}
	if c := rollout.NewChanges(s); said(c.Send) != "v7 leaves with its stake of 1, new joins with a stake of 1" {
		t.Errorf("sent: %s; %+v", said(c.Send), c)
	}
}

// Stakes that have been changed and do not count yet may lack what is online by
// now. What mends that is sent.
func TestChangesMendWhatIsToCome(t *testing.T) {
	s := stakes(t, "alice bob", "alice 30, bob 27, carol 90", "alice 90, bob 90, carol 90")
	s.Chain.Validators[2].EffectiveStake = 1
	c := rollout.NewChanges(s)
	if got, want := said(c.Send), "the stake of alice goes from 30 to 90, the stake of bob goes from 27 to 90"; got != want {
		t.Errorf("sent:\n got %s\nwant %s", got, want)
	}
}

func said(changes []plan.StakeChange) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.String())
	}
	return strings.Join(out, ", ")
}

// chain is what a network's stakes are, by height.
type chain struct {
	newest, before map[string]uint64 // by the newest block; by the one before
	online         map[string]bool
}

func (c *chain) isQuorum(stakes map[string]uint64) bool {
	var online, total uint64
	for name, stake := range stakes {
		total += stake
		if c.online[name] {
			online += stake
		}
	}
	return 3*online > 2*total
}

func (c *chain) stakes(wanted map[string]uint64) rollout.Stakes {
	s := rollout.Stakes{Online: map[types.PublicKey]bool{}}
	for _, name := range pool {
		s.Online[key(name)] = c.online[name]
		if c.newest[name]+c.before[name] > 0 {
			s.Chain.Validators = append(s.Chain.Validators, message.Validator{
				Name: name, Key: key(name), VRFKey: key(name + "/vrf"), Stake: c.newest[name], EffectiveStake: c.before[name],
			})
		}
		if wanted[name] > 0 {
			s.Wanted = append(s.Wanted, genesis.Validator{Name: name, Key: key(name), VRFKey: key(name + "/vrf"), Stake: wanted[name]})
		}
	}
	return s
}

var pool = []string{"a", "b", "c", "d", "e", "f"}

// Whatever is edited and whoever is online: a chain that takes the records one
// by one never loses its quorum by one of them, and comes to what is wanted once
// all are online. What is held back would have cost it.
func TestChangesKeepTheQuorum(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(what string) map[string]uint64 {
			return rapid.MapOfN(rapid.SampledFrom(pool), rapid.Uint64Range(1, 9), 1, len(pool)).Draw(rt, what)
		}
		wanted := draw("wanted")
		c := &chain{newest: draw("chain"), online: map[string]bool{}}
		for _, name := range pool {
			c.online[name] = rapid.IntRange(0, 3).Draw(rt, "online") > 0
		}
		c.before = c.newest
		if rapid.Bool().Draw(rt, "changed") {
			c.before = draw("before")
		}
		before := c.before
		took := c.take(rt, wanted)
		if took.Held == "" && took.Waiting == "" && len(took.Send) == 0 && fmt.Sprint(c.newest) != fmt.Sprint(wanted) {
			rt.Fatalf("nothing is said of %v, wanted %v", c.newest, wanted)
		}
		if c.isQuorum(before) && c.isQuorum(c.newest) && took.Held != "" {
			c.checkHeld(rt, wanted)
		}
		for _, name := range pool {
			c.online[name] = true
		}
		for range 3 { // those that join, then those that leave
			c.take(rt, wanted)
		}
		if fmt.Sprint(c.newest) != fmt.Sprint(wanted) {
			rt.Fatalf("it ends with %v, want %v", c.newest, wanted)
		}
	})
}

// take sends what may be sent, and has the chain take it.
func (c *chain) take(rt *rapid.T, wanted map[string]uint64) rollout.Changes {
	changes := rollout.NewChanges(c.stakes(wanted))
	if len(changes.Send) > 0 && !c.isQuorum(c.before) {
		rt.Fatalf("%s: sent while the quorum is lost", said(changes.Send))
	}
	for _, one := range changes.Send {
		had := c.isQuorum(c.newest)
		if c.newest[one.Name] != one.Was || one.Was == one.Stake {
			rt.Fatalf("%s, and %s has %d", one, one.Name, c.newest[one.Name])
		}
		next := map[string]uint64{}
		for name, stake := range c.newest {
			next[name] = stake
		}
		if next[one.Name] = one.Stake; one.Stake == 0 {
			delete(next, one.Name)
		}
		c.newest = next
		if had && !c.isQuorum(next) {
			rt.Fatalf("%s: the quorum is lost with %v, online %v", one, next, c.online)
		}
	}
	c.before = c.newest
	return changes
}

// checkHeld: with all that is left to do done at once, and those online that
// join, there would be no quorum.
func (c *chain) checkHeld(rt *rapid.T, wanted map[string]uint64) {
	after := &chain{online: map[string]bool{}}
	for _, name := range pool {
		after.online[name] = c.online[name] || c.newest[name] == 0
	}
	if after.isQuorum(wanted) {
		rt.Fatalf("held back, though %v has a quorum with %v online", wanted, slices.Sorted(func(yield func(string) bool) {
			for name, is := range after.online {
				if is && !yield(name) {
					return
				}
			}
		}))
	}
}
