package replay

import (
	"cmp"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// maxHandovers is how many of the newest changes of the validators are named
// one by one: more than a person reads.
const maxHandovers = 100

// Tally counts verified blocks, and judges their draws. It is used by one
// goroutine at a time.
type Tally struct {
	Head   validity.Head
	Blocks uint64
	From   uint64 // the first height counted
	// Applied is the first height whose records were applied to the state before it,
	// and Drawn the first whose draw was judged; 0 where there is none. So it is with all
	// heights from there on.
	Applied, Drawn uint64
	Records        map[types.RecordType]uint64
	Signed         uint64 // signatures: of records and in certificates
	Late           uint64 // blocks of a later round than the first
	// Handovers are the heights whose validators were others than those of the
	// height before, the newest of them; Changes is how many there were in all.
	Handovers []uint64
	Changes   uint64

	audit *lottery.Audit
	names map[types.PublicKey]string
}

// NewTally returns a tally of what will be added to a chain.
func NewTally(c *Chain) *Tally {
	t := &Tally{Head: c.next.Head, From: c.next.Height, Records: map[types.RecordType]uint64{}, audit: lottery.NewAudit(), names: map[types.PublicKey]string{}}
	t.learn(c.next.Set)
	return t
}

// Add counts a block that was verified. Blocks come in order.
func (t *Tally) Add(s *Step) error {
	h := &s.block.Header
	if d := s.draw(); d != nil {
		if err := t.audit.Add(d, h.Round); err != nil {
			return &validity.Fault{Height: h.Height, Where: "draw", What: err.Error()}
		}
		t.Drawn = cmp.Or(t.Drawn, h.Height)
	}
	if s.Stateful() {
		t.Applied = cmp.Or(t.Applied, h.Height)
	}
	t.Head = s.head
	t.Blocks++
	for _, r := range s.block.Records {
		t.Records[r.Type]++
		if !r.Signature.IsZero() {
			t.Signed++
		}
	}
	t.Signed += uint64(len(s.certificate.Signatures))
	if h.Round > 0 {
		t.Late++
	}
	if h.NextValidators != h.Validators {
		t.handOver(h.Height+1, s.height.Following)
	}
	return nil
}

func (t *Tally) handOver(height uint64, set *types.ValidatorSet) {
	t.Changes++
	if len(t.Handovers) == maxHandovers {
		t.Handovers = append(t.Handovers[:0], t.Handovers[1:]...)
	}
	t.Handovers = append(t.Handovers, height)
	t.learn(set)
}

// learn notes the names of validators.
func (t *Tally) learn(set *types.ValidatorSet) {
	for i := range set.Len() {
		v := set.At(i)
		t.names[v.Key] = v.Name
	}
}

// Name returns the name of a validator of any height so far, or "".
func (t *Tally) Name(key types.PublicKey) string { return t.names[key] }

// Audit is the judgment over all draws so far.
func (t *Tally) Audit() *lottery.Audit { return t.audit }

// RecordCount is how many records there were, of all types.
func (t *Tally) RecordCount() uint64 {
	var n uint64
	for _, of := range t.Records {
		n += of
	}
	return n
}
