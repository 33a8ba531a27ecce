package consensus

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// count is the quorum count a second time, in the plainest way: who said what,
// and three times the stake against two times the total.
type count struct {
	said  map[string]map[types.Hash]bool
	stake map[string]uint64
}

func (c count) total() (sum uint64) {
	for _, s := range c.stake {
		sum += s
	}
	return sum
}

func (c count) sum(meant func(name string) bool) (sum uint64) {
	for name, s := range c.stake {
		if meant(name) {
			sum += s
		}
	}
	return sum
}

func (c count) quorum(meant func(name string) bool) bool { return 3*c.sum(meant) > 2*c.total() }

func TestTallyCountsLikeThePlainCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, plain := drawSet(t)
		tally := newTally(set)
		hashes := []types.Hash{{}, {1}, {2}, {3}}
		known := map[types.Hash]bool{{}: true, {1}: true}
		reported := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "votes") {
			i := rapid.IntRange(0, set.Len()-1).Draw(t, "voter")
			h := rapid.SampledFrom(hashes).Draw(t, "block")
			name := set.At(i).Name
			said := plain.said[name]
			counted, evidence := tally.add(i, types.Vouch(&types.Vote{Block: h, Validator: set.At(i).Key}), known[h])
			if want := !said[h] && (len(said) == 0 || known[h]); counted != want {
				t.Fatalf("%s for %x: counted %v, want %v", name, h[0], counted, want)
			}
			if want := len(said) > 0 && !said[h] && !reported[name]; (evidence != nil) != want {
				t.Fatalf("%s for %x: evidence %v, want %v", name, h[0], evidence, want)
			}
			reported[name] = reported[name] || evidence != nil
			if counted {
				said[h] = true
			}
			comparePlain(t, &tally, plain, hashes)
		}
	})
}

func drawSet(t *rapid.T) (*types.ValidatorSet, count) {
	plain := count{said: map[string]map[types.Hash]bool{}, stake: map[string]uint64{}}
	var list []types.Validator
	for i := range rapid.IntRange(1, 7).Draw(t, "validators") {
		name := fmt.Sprint("v", i)
		stake := rapid.OneOf(rapid.Uint64Range(1, 5), rapid.Uint64Range(1, types.MaxAmount/8)).Draw(t, "stake")
		list = append(list, types.Validator{Name: name, Key: testKey(name), VRFKey: testKey("vrf " + name), Stake: stake})
		plain.said[name], plain.stake[name] = map[types.Hash]bool{}, stake
	}
	set, err := types.NewValidatorSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return set, plain
}

func comparePlain(t *rapid.T, tally *tally, plain count, hashes []types.Hash) {
	voted := func(name string) bool { return len(plain.said[name]) > 0 }
	if got, want := tally.quorumAny(), plain.quorum(voted); got != want {
		t.Fatalf("quorumAny is %v, want %v", got, want)
	}
	anyBlock, hope := false, false
	for _, h := range hashes {
		want := plain.quorum(func(name string) bool { return plain.said[name][h] })
		if got := tally.quorumFor(h); got != want {
			t.Fatalf("quorumFor %x is %v, want %v", h[0], got, want)
		}
		if h.IsZero() {
			continue
		}
		anyBlock = anyBlock || want
		hope = hope || plain.quorum(func(name string) bool { return plain.said[name][h] || !voted(name) })
	}
	hope = hope || plain.quorum(func(name string) bool { return !voted(name) })
	if block, ok := tally.quorumBlock(); ok != anyBlock || ok && !tally.quorumFor(block) {
		t.Fatalf("quorumBlock is %x, %v; want %v", block[0], ok, anyBlock)
	}
	if got, want := tally.hopeless(), plain.quorum(voted) && !hope; got != want {
		t.Fatalf("hopeless is %v, want %v", got, want)
	}
}
