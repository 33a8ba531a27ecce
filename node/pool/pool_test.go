package pool

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/types"
)

const second = types.Time(time.Second)

func TestOrderAndStats(t *testing.T) {
	p := New(authority)
	if s := p.Stats(); s != (Stats{}) || s.Span() != 0 || s.Age(100*second) != 0 {
		t.Errorf("an empty pool has %+v", s)
	}
	a, b, c := openPay(1), openPay(2), openPay(3)
	for i, r := range []types.VerifiedRecord{a, b, c} {
		wantError(t, p.Add(r, types.Time(10+i)*second), "")
	}
	wantOrder(t, p, a, b, c)
	want := Stats{Size: 3, Bytes: 3 * len(a.Record().Raw()), Oldest: 10 * second, Newest: 12 * second}
	if s := p.Stats(); s != want || s.Span() != 2*time.Second || s.Age(15*second) != 5*time.Second || s.Age(9*second) != 0 {
		t.Errorf("the figures are %+v, want %+v", s, want)
	}
	if n, _ := p.Remove(ids(a, openPay(9), a)); n != 1 {
		t.Errorf("%d records were removed, want 1", n)
	}
	if s := p.Stats(); s.Oldest != 11*second {
		t.Errorf("the oldest arrived at %v, want 11", s.Oldest)
	}
	p.Remove(ids(c))
	if s := p.Stats(); s.Newest != 11*second || s.Span() != 0 {
		t.Errorf("the newest arrived at %v, want 11", s.Newest)
	}
	p.Remove(ids(b))
	if s := p.Stats(); s != (Stats{}) {
		t.Errorf("an emptied pool has %+v", s)
	}
}

func TestClockStepsBack(t *testing.T) {
	p := New(authority)
	p.Add(openPay(1), 10*second)
	p.Add(openPay(2), 5*second)
	if s := p.Stats(); s.Span() != 0 || s.Newest != 10*second {
		t.Errorf("after the clock stepped back the figures are %+v, want a span of 0", s)
	}
}

func TestLookups(t *testing.T) {
	p := New(authority)
	a, b, c := openPay(1), pay(1, 0, 1), openPay(3)
	p.Add(a, 1)
	p.Add(b, 1)
	wantError(t, p.Add(a, 2), ErrDuplicate.Error())
	if got, ok := p.Get(ids(b)[0]); !ok || got != b || !p.Has(ids(a)[0]) || p.Has(ids(c)[0]) {
		t.Error("what is in the pool is not found, or what is not is")
	}
	found, missing := p.Collect(ids(b, c, a))
	if !slices.Equal(found, []types.VerifiedRecord{b, {}, a}) || !slices.Equal(missing, ids(c)) {
		t.Errorf("collected %v, missing %v", found, missing)
	}
	if missing := p.Missing(ids(c, a)); !slices.Equal(missing, ids(c)) {
		t.Errorf("missing %v, want %v", missing, ids(c))
	}
}

func TestNonces(t *testing.T) {
	p := New(authority)
	first := pay(1, 5, 10)
	for _, r := range []types.VerifiedRecord{first, pay(1, 7, 10), pay(2, 5, 10), stake(5, 1)} {
		wantError(t, p.Add(r, 1), "")
	}
	wantError(t, p.Add(pay(1, 5, 11), 1), "nonce is 5: another record of this signer waits with it, "+ids(first)[0].String())
	var refusal *ledger.Refusal
	if err := p.Add(stake(5, 2), 1); !errors.As(err, &refusal) || refusal.Field != "nonce" {
		t.Errorf("a second stake record with the nonce gives %v, want a refusal", err)
	}
	if got := p.NextNonce(key(1), 5); got != 6 {
		t.Errorf("the nonce to use is %d, want 6", got)
	}
	p.Add(pay(1, 6, 10), 1)
	if got := p.NextNonce(key(1), 5); got != 8 {
		t.Errorf("the nonce to use is %d, want 8", got)
	}
	if got := p.NextNonce(key(9), 3); got != 3 {
		t.Errorf("the nonce to use is %d, want 3", got)
	}
}

func TestPurgeStale(t *testing.T) {
	p := New(authority)
	a, b, c, other := pay(1, 5, 1), pay(1, 6, 1), pay(1, 8, 1), pay(2, 5, 1)
	for _, r := range []types.VerifiedRecord{c, b, a, other} {
		wantError(t, p.Add(r, 1), "")
	}
	if gone := p.PurgeStale(key(1), 5); gone != nil {
		t.Errorf("nothing is stale, and %v are gone", gone)
	}
	if gone := p.PurgeStale(key(1), 7); !slices.Equal(gone, ids(a, b)) {
		t.Errorf("gone are %v, want %v", gone, ids(a, b))
	}
	wantOrder(t, p, c, other)
	if gone := p.PurgeStale(key(1), 9); !slices.Equal(gone, ids(c)) {
		t.Errorf("gone are %v, want %v", gone, ids(c))
	}
	if gone := p.PurgeStale(key(1), 1<<53); gone != nil {
		t.Errorf("of a signer of whom nothing waits are gone %v", gone)
	}
	wantError(t, p.Add(pay(1, 2, 1), 1), "") // whoever adds answers for the nonce
	wantOrder(t, p, other, pay(1, 2, 1))
}

// TestGuestsWord checks that of what a guest says with one nonce the last counts,
// whatever order it comes in.
func TestGuestsWord(t *testing.T) {
	e1, e2, l := entry(1, 3, 70, 1), entry(1, 3, 80, 2), leave(1, 3, 1)
	said := func(r types.VerifiedRecord) string {
		return "nonce is 3: another record of this signer waits with it, " + ids(r)[0].String()
	}
	for _, c := range []struct {
		name         string
		first, later types.VerifiedRecord
		want         string
		stays        types.VerifiedRecord
	}{
		{"a newer entry", e1, e2, "", e2},
		{"an older entry", e2, e1, said(e2), e2},
		{"a leave after an entry", e2, l, "", l},
		{"an entry after a leave", l, e2, said(l), l},
		{"a second leave", l, leave(1, 3, 9), said(l), l},
		{"a payment", e1, pay(1, 3, 1), said(e1), e1},
		{"an entry after a payment", pay(1, 3, 1), e1, said(pay(1, 3, 1)), pay(1, 3, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(authority)
			for _, r := range []types.VerifiedRecord{openPay(1), c.first, openPay(2)} {
				wantError(t, p.Add(r, 7), "")
			}
			wantError(t, p.Add(c.later, 8), c.want)
			wantOrder(t, p, openPay(1), c.stays, openPay(2))
			want := Stats{Size: 3, Bytes: 2*len(openPay(1).Record().Raw()) + len(c.stays.Record().Raw()), Oldest: 7, Newest: 7}
			if c.stays.Record().Type != types.Transfer {
				want.Guests = 1
			}
			if s := p.Stats(); s != want {
				t.Errorf("the figures are %+v, want %+v", s, want)
			}
			if n, _ := p.Remove(ids(c.stays)); n != 1 || p.NextNonce(key(1), 3) != 3 || p.Stats().Guests != 0 {
				t.Error("the record that stayed cannot be removed")
			}
		})
	}
}

func TestAddAll(t *testing.T) {
	p := New(authority)
	old, e1, e2 := openPay(1), entry(1, 0, 70, 1), entry(1, 0, 80, 2)
	p.Add(old, 1)
	p.Add(e1, 1)
	<-p.Changed()
	before := p.Stats()
	fresh, err := p.AddAll([]types.VerifiedRecord{openPay(2), e2, pay(2, 0, 1), pay(2, 0, 2)}, 2)
	wantError(t, err, "record 3: nonce is 0: another record of this signer waits with it, "+ids(pay(2, 0, 1))[0].String())
	var place *PlaceError
	var refusal *ledger.Refusal
	if fresh != nil || !errors.As(err, &place) || place.Index != 3 || !errors.As(err, &refusal) {
		t.Errorf("the failed frame gives %v and %#v", fresh, err)
	}
	wantOrder(t, p, old, e1)
	if s := p.Stats(); s != before {
		t.Errorf("a frame that failed left %+v, want %+v", s, before)
	}
	select {
	case <-p.Changed():
		t.Error("a frame that failed is told as a change")
	default:
	}
	fresh, err = p.AddAll([]types.VerifiedRecord{openPay(2), old, e2, openPay(2)}, 2)
	wantError(t, err, "")
	if !slices.Equal(ids(fresh...), ids(openPay(2), e2)) {
		t.Errorf("new are %v", ids(fresh...))
	}
	wantOrder(t, p, old, e2, openPay(2))
	<-p.Changed()
	if fresh, err := p.AddAll([]types.VerifiedRecord{old}, 3); err != nil || len(fresh) != 0 {
		t.Errorf("a frame said twice gives %v, %v", fresh, err)
	}
}

func TestExpire(t *testing.T) {
	p := New(authority)
	due, follows, gap, far, free, young := pay(1, 5, 1), pay(1, 6, 1), pay(1, 8, 1), pay(2, 1, 1), openPay(1), pay(3, 7, 1)
	for _, r := range []types.VerifiedRecord{gap, follows, due, far, free} {
		wantError(t, p.Add(r, 10), "")
	}
	p.Add(young, 11)
	next := func(k types.PublicKey) uint64 { return map[types.PublicKey]uint64{key(1): 5}[k] }
	if gone := p.Expire(10, next); gone != nil {
		t.Errorf("before their time are gone %v", gone)
	}
	if gone := p.Expire(11, next); !slices.Equal(gone, ids(gap, far)) {
		t.Errorf("gone are %v, want %v", gone, ids(gap, far))
	}
	wantOrder(t, p, follows, due, free, young)
}

func TestChanged(t *testing.T) {
	p := New(authority)
	told := func() bool {
		select {
		case <-p.Changed():
			return true
		default:
			return false
		}
	}
	a, b := pay(1, 0, 1), openPay(1)
	for _, c := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"two added", func() { p.Add(a, 1); p.Add(b, 1) }, true},
		{"taken", func() {}, false},
		{"a duplicate", func() { p.Add(a, 1) }, false},
		{"a removal", func() { p.Remove(ids(b)) }, true},
		{"a removal of nothing", func() { p.Remove(ids(b)) }, false},
		{"a purge of nothing", func() { p.PurgeStale(key(1), 0) }, false},
		{"a purge", func() { p.PurgeStale(key(1), 1) }, true},
		{"another", func() { p.Add(pay(1, 4, 1), 1) }, true},
		{"an expiry", func() { p.Expire(2, func(types.PublicKey) uint64 { return 0 }) }, true},
	} {
		if c.do(); told() != c.want {
			t.Errorf("%s: a change is told: %v, want %v", c.name, !c.want, c.want)
		}
	}
}

// TestAllWhileItChanges takes records out from under whoever goes through them.
func TestAllWhileItChanges(t *testing.T) {
	p := New(authority)
	const n = 2000
	all := make([]types.VerifiedRecord, n)
	for i := range all {
		all[i] = openPay(uint64(i + 1))
		p.Add(all[i], 1)
	}
	var seen int
	for range p.All() {
		if seen++; seen == 256 { // stand on the last of a batch, and lose the ground
			p.Remove(ids(all[:600]...))
			p.Remove(ids(all[700:1000]...))
		}
	}
	if want := 256 + 100 + 1000; seen != want {
		t.Errorf("%d records are seen, want %d", seen, want)
	}
	for range p.All() {
		break // stopping early is allowed
	}
}

func TestBounds(t *testing.T) {
	p := New(authority)
	for i := range MaxPerSigner {
		wantError(t, p.Add(pay(1, uint64(i), 1), 1), "")
	}
	wantError(t, p.Add(pay(1, MaxPerSigner, 1), 1), ErrSignerFull.Error())
	wantError(t, p.Add(pay(2, 0, 1), 1), "")
	for i := uint64(1); p.Stats().Size < MaxRecords; i++ {
		if err := p.Add(openPay(i), 1); err != nil {
			t.Fatalf("with %d of %d records: %v", p.Stats().Size, MaxRecords, err)
		}
	}
	wantError(t, p.Add(pay(3, 0, 1), 1), ErrFull.Error())
	wantError(t, p.Add(pay(2, 0, 1), 1), ErrDuplicate.Error())
	p.Remove(ids(openPay(1)))
	wantError(t, p.Add(pay(3, 0, 1), 1), "")
	p.bytes = MaxBytes // no record is large enough to reach it before the count
	p.Remove(ids(openPay(2)))
	wantError(t, p.Add(stake(0, 1), 1), ErrFull.Error())
}

func TestFates(t *testing.T) {
	var f Fates
	id := func(i int) types.Hash { return types.Hash{byte(i), byte(i >> 8)} }
	if _, ok := f.Dropped(id(0)); ok {
		t.Error("a fate is known before any was told")
	}
	for i := range MaxFates {
		f.Drop(id(i), "first")
	}
	f.Drop(id(0), "second")
	if why, ok := f.Dropped(id(0)); !ok || why != "second" {
		t.Errorf("the fate is %q, want the last told", why)
	}
	f.Drop(id(MaxFates), "third")
	f.Drop(id(MaxFates+1), "third")
	for i, want := range map[int]bool{0: false, 1: false, 2: true, MaxFates: true} {
		if _, ok := f.Dropped(id(i)); ok != want {
			t.Errorf("fate %d is known: %v, want %v", i, ok, want)
		}
	}
	if len(f.reasons) != MaxFates {
		t.Errorf("%d fates are kept, want %d", len(f.reasons), MaxFates)
	}
}
