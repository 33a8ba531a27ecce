package ledger

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// drawGenesis varies the network's rules.
func drawGenesis(t *rapid.T) *genesis.Genesis {
	g := newGenesis()
	if rapid.Bool().Draw(t, "keyed accounts only") {
		keyedOnly(g)
	}
	g.Params.Faucet = rapid.Bool().Draw(t, "faucet")
	g.Params.Guests = rapid.IntRange(0, 3).Draw(t, "guests") > 0
	g.Params.BlockReward = rapid.SampledFrom([]uint64{0, 1, types.MaxAmount - 60}).Draw(t, "reward")
	g.Params.FaucetMax = rapid.SampledFrom([]uint64{30, types.MaxAmount}).Draw(t, "faucet's most")
	return g
}

// drawRecord makes a record that is often valid: nonces are mostly those due.
func drawRecord(t *rapid.T, n *naive) types.VerifiedRecord {
	pick := func(name string, of ...int) int { return rapid.SampledFrom(of).Draw(t, name) }
	account := func(name string) types.Account {
		if i := pick(name, carol, dave, eve, alice); rapid.Bool().Draw(t, "keyed") {
			return keyed(i)
		} else {
			return open(i)
		}
	}
	r := types.Record{
		Type: types.RecordType(pick("type", 1, 1, 1, 2, 3, 4, 4, 5)),
		Time: types.Time(pick("t", 1, 2)),
	}
	switch r.Type {
	case types.Transfer:
		r.Sender, r.Receiver = account("sender"), account("receiver")
		if rapid.IntRange(0, 3).Draw(t, "mint") == 0 {
			r.Sender = types.Genesis
		}
		r.Amount = rapid.SampledFrom([]uint64{1, 7, 20, 31, types.MaxAmount - 70}).Draw(t, "amount")
	case types.Reading:
		r.Sender, r.BPM = account("author"), 70
	case types.StakeChange:
		i := pick("validator", alice, bob, 2, 3, eve)
		names := []string{"alice", "bob", "two", "three"}
		r.Validator, r.VRFKey, r.Name = key(i), vrfKey(i), names[min(pick("name", i, i, i, bob), 3)]
		r.Stake = rapid.SampledFrom([]uint64{0, 1, 40, types.MaxAmount}).Draw(t, "stake")
	case types.Entry:
		r.Session, r.Validator = key(pick("session", eve, frank, 52, 2)), key(pick("host", alice, alice, bob, 2))
		r.Amount, r.BPM = rapid.SampledFrom([]uint64{10, 10, 10, 11, 101}).Draw(t, "balance"), uint64(pick("bpm", 70, 80))
	case types.Leave:
		r.Session = key(pick("session", eve, frank, 52))
	}
	if signer, signed := r.Signer(key(authority)); signed {
		r.Nonce = n.nonce[signer] + uint64(pick("ahead", 0, 0, 0, 0, 0, 1))
		if r.Nonce > 0 && rapid.IntRange(0, 9).Draw(t, "used") == 0 {
			r.Nonce--
		}
	}
	return types.VouchRecord(r.Seal())
}

// TestAgainstNaive runs random blocks through the ledger and through the naive
// one, and checks after each what must always hold.
func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGenesis(t)
		s, err := New(g)
		if err != nil {
			t.Fatal(err)
		}
		n := newNaive(g)
		disk := asMap(s.Entries())
		for range rapid.IntRange(1, 12).Draw(t, "blocks") {
			changes := drawBlock(t, g, s, n)
			for _, c := range changes {
				if disk[string(c.Key)] = string(c.Value); c.Value == nil {
					delete(disk, string(c.Key))
				}
			}
			compare(t, g, s, n, disk)
		}
	})
}

// drawBlock tries a random block on both. If it is not valid on either, nothing
// must have changed.
func drawBlock(t *rapid.T, g *genesis.Genesis, s *State, n *naive) []Change {
	before, digest, entries := n.copy(), s.Digest(), s.Entries()
	twin, err := Load(g, each(slices.All(entries)))
	if err != nil {
		t.Fatal(err)
	}
	seed, set, guests := s.Seed(), s.Validators(s.Height()+1), len(s.Guests())
	in := n.participants()
	winner := key(carol)
	if rapid.IntRange(0, 9).Draw(t, "stranger") > 0 {
		winner = rapid.SampledFrom(sortedKeys(in)).Draw(t, "winner")
	}
	n.begin(winner)
	trial := s.Begin(n.height, winner, in[winner].Host)
	again := twin.Begin(n.height, winner, in[winner].Host)
	b := &types.Block{Header: types.Header{Height: n.height, State: digest, Winner: winner, Proposer: in[winner].Host}}
	try := func(rec types.VerifiedRecord) {
		if !applyBoth(t, trial, n, rec) {
			return
		}
		b.Records = append(b.Records, rec.Record())
		if again.Apply(rec) != nil {
			t.Fatal("a record that was valid is not when the block is replayed")
		}
	}
	for range rapid.IntRange(0, 6).Draw(t, "records") {
		try(drawRecord(t, n))
	}
	if in[winner].Guest {
		try(reading(types.KeyedAccount(winner), 75, n.nonce[winner]))
	}
	height := n.height
	delta, err := trial.Finish(output(n.height))
	if valid := n.finish(in); valid != (err == nil) {
		t.Fatalf("the block is valid: %v, and Finish says %v", valid, err)
	}
	if s.Digest() != digest {
		t.Fatal("a trial changed the state")
	}
	if err != nil {
		*n = *before
		return nil
	}
	replayed, err := again.Finish(output(height))
	if err != nil {
		t.Fatal(err)
	}
	changes := s.Commit(delta)
	if !slices.EqualFunc(changes, twin.Commit(replayed), equalChange) || s.Digest() != twin.Digest() {
		t.Fatal("the block replayed gives another state")
	}
	plain := guests+len(s.Guests()) == 0
	for _, r := range b.Records {
		plain = plain && r.Type != types.Entry && r.Type != types.Leave
	}
	checkRevert(t, twin, b, seed, set, entries, plain)
	return changes
}

// applyBoth reports whether both took the record; they must agree.
func applyBoth(t *rapid.T, trial *Trial, n *naive, rec types.VerifiedRecord) bool {
	err := trial.Apply(rec)
	got := taken
	var refusal *Refusal
	switch {
	case errors.Is(err, ErrLater):
		got = waits
	case errors.As(err, &refusal) && refusal.Forbidden:
		got = forbidden
	case errors.As(err, &refusal):
		got = refused
	case err != nil:
		t.Fatal(err)
	}
	if want := n.apply(rec.Record(), key(authority)); got != want {
		t.Fatalf("the record is %s (%v), by the naive ledger %s:\n%+v", got, err, want, rec.Record())
	}
	return got == taken
}

func compare(t *rapid.T, g *genesis.Genesis, s *State, n *naive, disk map[string]string) {
	if s.Height()+1 != n.height || s.Minted() != n.minted {
		t.Fatalf("height %d with %d minted, want %d with %d", s.Height(), s.Minted(), n.height-1, n.minted)
	}
	compareAccounts(t, s, n)
	for h := n.height; h <= n.height+1; h++ {
		want, err := types.NewValidatorSet(slices.Collect(maps.Values(n.sets[h])))
		if err != nil || s.Validators(h).Hash() != want.Hash() {
			t.Fatalf("the validators of height %d are %v, want %v", h, s.Validators(h).List(), want.List())
		}
	}
	in := n.participants()
	want := slices.SortedFunc(maps.Values(in), func(a, b Participant) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if got := s.Participants(); !slices.Equal(got, want) {
		t.Fatalf("at height %d take part %v, want %v", n.height, got, want)
	}
	compareGuests(t, s, n)
	if root := plainRoot(disk); s.Digest() != root || plainRoot(asMap(s.Entries())) != root {
		t.Fatalf("the digest is %s, that of the stored entries plainly %s", s.Digest(), root)
	}
	loaded, err := Load(g, each(slices.Backward(s.Entries())))
	if err != nil || loaded.Digest() != s.Digest() || loaded.crowd != s.crowd || !maps.Equal(loaded.leaving, s.leaving) {
		t.Fatalf("the state loaded again differs (%v)", err)
	}
}

func compareAccounts(t *rapid.T, s *State, n *naive) {
	want := map[types.Account]AccountState{}
	for a, balance := range n.balance {
		want[a] = AccountState{Balance: balance}
	}
	for k, nonce := range n.nonce {
		a := types.KeyedAccount(k)
		want[a] = AccountState{Balance: n.balance[a], Nonce: nonce}
	}
	maps.DeleteFunc(want, func(_ types.Account, v AccountState) bool { return v == AccountState{} })
	if !maps.Equal(s.accounts, want) {
		t.Fatalf("the accounts are %v, want %v", s.accounts, want)
	}
	var sum uint64
	for _, v := range s.accounts {
		sum += v.Balance
	}
	if sum != s.Minted() || sum > types.MaxAmount {
		t.Fatalf("the balances are %d together, and %d were minted", sum, s.Minted())
	}
}

func compareGuests(t *rapid.T, s *State, n *naive) {
	if len(s.Guests()) != len(n.guests) {
		t.Fatalf("the guests are %v, want %v", s.Guests(), n.guests)
	}
	for _, g := range s.Guests() {
		want, known := n.guests[g.Session]
		got := naiveGuest{g.Host, g.Balance, g.BPM, g.Waiting, g.Until != 0, g.From, g.Until}
		if !known || got != want || g.Nonce != n.nonce[g.Session] {
			t.Fatalf("guest %s is %+v, want %+v", g.Session.Short(), g, want)
		}
	}
}
