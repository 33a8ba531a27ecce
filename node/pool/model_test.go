package pool

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/types"
)

// model is the pool as a plain list.
type model struct{ list []waiting }

type waiting struct {
	record  types.VerifiedRecord
	arrival types.Time
}

func (m *model) place(id types.Hash) int {
	return slices.IndexFunc(m.list, func(w waiting) bool { return w.record.Record().ID() == id })
}

// rival is the place of a record with the same signer and nonce, or -1.
func (m *model) rival(r *types.Record) int {
	signer, signed := r.Signer(authority)
	return slices.IndexFunc(m.list, func(w waiting) bool {
		other, otherSigned := w.record.Record().Signer(authority)
		return signed && otherSigned && signer == other && r.Nonce == w.record.Record().Nonce
	})
}

// add reports whether the record is in afterwards and was not before.
func (m *model) add(rec types.VerifiedRecord, arrival types.Time) bool {
	r := rec.Record()
	if m.place(r.ID()) >= 0 {
		return false
	}
	if i := m.rival(r); i >= 0 {
		old := m.list[i].record.Record()
		entry := r.Type == types.Entry && r.Time > old.Time
		if old.Type != types.Entry || !entry && r.Type != types.Leave {
			return false
		}
		m.list[i].record = rec
		return true
	}
	if n := len(m.list); n > 0 {
		arrival = max(arrival, m.list[n-1].arrival)
	}
	m.list = append(m.list, waiting{rec, arrival})
	return true
}

// takeOut removes what which says and returns how many there were.
func (m *model) takeOut(which func(w waiting) bool) int {
	n := len(m.list)
	m.list = slices.DeleteFunc(m.list, which)
	return n - len(m.list)
}

func (m *model) stats() Stats {
	var s Stats
	for _, w := range m.list {
		s.Size++
		s.Bytes += len(w.record.Record().Raw())
		if kind := w.record.Record().Type; kind == types.Entry || kind == types.Leave {
			s.Guests++
		}
	}
	if s.Size > 0 {
		s.Oldest, s.Newest = m.list[0].arrival, m.list[s.Size-1].arrival
	}
	return s
}

func drawRecord(t *rapid.T) types.VerifiedRecord {
	who, nonce := rapid.IntRange(1, 2).Draw(t, "who"), rapid.Uint64Range(0, 4).Draw(t, "nonce")
	n, at := rapid.Uint64Range(1, 3).Draw(t, "n"), types.Time(rapid.Int64Range(1, 3).Draw(t, "t"))
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return openPay(n)
	case 1:
		return pay(who, nonce, n)
	case 2:
		return entry(who, nonce, n, at)
	case 3:
		return leave(who, nonce, at)
	}
	return stake(nonce, n)
}

// TestAgainstModel does the same at random to the pool and to a plain list.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, m := New(authority), &model{}
		now := types.Time(100)
		next := map[types.PublicKey]uint64{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				rec := drawRecord(t)
				now += types.Time(rapid.Int64Range(-1, 2).Draw(t, "later"))
				if signer, ok := rec.Record().Signer(authority); ok && rec.Record().Nonce < next[signer] {
					return // Admit lets none through
				}
				err := p.Add(rec, now)
				if want := m.add(rec, now); want != (err == nil) {
					t.Fatalf("the record is added: %v (%v), want %v", !want, err, want)
				}
			},
			"add all": func(t *rapid.T) {
				records := rapid.SliceOfN(rapid.Custom(drawRecord), 0, 4).Draw(t, "records")
				trial := model{slices.Clone(m.list)}
				var want []types.VerifiedRecord
				for _, rec := range records {
					if trial.place(rec.Record().ID()) >= 0 {
						continue
					}
					if signer, ok := rec.Record().Signer(authority); ok && rec.Record().Nonce < next[signer] {
						return
					}
					if !trial.add(rec, now) {
						trial.list, want = m.list, nil
						break
					}
					want = append(want, rec)
				}
				fresh, _ := p.AddAll(records, now)
				if !slices.Equal(fresh, want) {
					t.Fatalf("new are %v, want %v", ids(fresh...), ids(want...))
				}
				m.list = trial.list
			},
			"remove": func(t *rapid.T) {
				rec := drawRecord(t)
				want := m.takeOut(func(w waiting) bool { return w.record.Record().ID() == rec.Record().ID() })
				if got, _ := p.Remove(ids(rec)); got != want {
					t.Fatalf("%d are removed, want %d", got, want)
				}
			},
			"purge": func(t *rapid.T) {
				who := rapid.SampledFrom([]types.PublicKey{key(1), key(2), authority}).Draw(t, "who")
				next[who] += rapid.Uint64Range(0, 2).Draw(t, "used")
				want := m.takeOut(func(w waiting) bool {
					signer, signed := w.record.Record().Signer(authority)
					return signed && signer == who && w.record.Record().Nonce < next[who]
				})
				if got := p.PurgeStale(who, next[who]); len(got) != want {
					t.Fatalf("%d are stale, want %d", len(got), want)
				}
			},
			"expire": func(t *rapid.T) {
				before := now - types.Time(rapid.Int64Range(-1, 5).Draw(t, "ago"))
				lone := model{slices.Clone(m.list)}
				want := m.takeOut(func(w waiting) bool {
					signer, signed := w.record.Record().Signer(authority)
					if !signed || w.arrival >= before {
						return false
					}
					for nonce := next[signer]; nonce < w.record.Record().Nonce; nonce++ {
						r := types.Record{Type: types.Leave, Session: signer, Nonce: nonce}
						if lone.rival(&r) < 0 {
							return true
						}
					}
					return false
				})
				got := p.Expire(before, func(k types.PublicKey) uint64 { return next[k] })
				if len(got) != want {
					t.Fatalf("%d are expired, want %d", len(got), want)
				}
			},
			"": func(t *rapid.T) { m.compare(t, p) },
		})
	})
}

func (m *model) compare(t *rapid.T, p *Pool) {
	if got := p.Stats(); got != m.stats() {
		t.Fatalf("the figures are %+v, want %+v", got, m.stats())
	}
	i := 0
	for rec := range p.All() {
		if i >= len(m.list) || rec != m.list[i].record {
			t.Fatalf("record %d in the order is another", i)
		}
		i++
	}
	if i != len(m.list) || len(p.byID) != i {
		t.Fatalf("%d records are yielded and %d known, want %d", i, len(p.byID), len(m.list))
	}
	var signed, counted int
	for _, w := range m.list {
		if _, ok := w.record.Record().Signer(authority); ok {
			signed++
		}
	}
	for _, s := range p.signers {
		counted += s.count
	}
	if signed != counted || signed != len(p.byTurn) {
		t.Fatalf("%d signed records wait, %d are counted and %d in turn", signed, counted, len(p.byTurn))
	}
}

// TestManyAtOnce uses the pool from several goroutines; -race judges, and in the
// end everything must be accounted for.
func TestManyAtOnce(t *testing.T) {
	p := New(authority)
	var fates Fates
	const writers, each = 4, 500
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for r := range 2 {
		reading.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-p.Changed():
				default:
				}
				for rec := range p.All() {
					p.Get(rec.Record().ID())
					fates.Dropped(rec.Record().ID())
				}
				p.Stats()
				p.NextNonce(key(r), 0)
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range uint64(each) {
				rec := pay(w, i, 1)
				if err := p.Add(rec, types.Time(i)); err != nil {
					t.Error(err)
				}
				switch i % 4 {
				case 0:
					p.Remove(ids(rec))
					fates.Drop(rec.Record().ID(), fmt.Sprint(i))
				case 1:
					p.PurgeStale(key(w), i+1)
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	if got, want := p.Stats().Size, writers*2; got != want { // 498 and 499 of each
		t.Errorf("%d records are left, want %d", got, want)
	}
}
