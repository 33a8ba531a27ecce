package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/types"
)

// weighing follows the stakes by the newest block through changes that are to be
// sent. A change adds the same to the margin (see tally) whatever came before
// it, so that the order decides only who comes first, not what fits.
type weighing struct {
	stakes map[types.PublicKey]uint64
	names  map[string]types.PublicKey
	online map[types.PublicKey]bool
	tally
}

func newWeighing(s Stakes) *weighing {
	w := &weighing{stakes: map[types.PublicKey]uint64{}, names: map[string]types.PublicKey{}, online: s.Online}
	for _, v := range counted(s.Chain) {
		w.apply(plan.StakeChange{Name: v.Name, Key: v.Key, Stake: v.Stake})
	}
	return w
}

// pick applies what the chain takes and what leaves a quorum online, in the
// order given, again and again until nothing more can be.
func (w *weighing) pick(changes []plan.StakeChange) (picked, left []plan.StakeChange) {
	left = slices.Clone(changes)
	for {
		i := slices.IndexFunc(left, w.allows)
		if i < 0 {
			return picked, left
		}
		w.apply(left[i])
		picked = append(picked, left[i])
		left = slices.Delete(left, i, i+1)
	}
}

// allows reports whether the chain takes a change as it stands, and whether a
// quorum is online after it, or is nearer than before.
func (w *weighing) allows(c plan.StakeChange) bool {
	_, nameTaken := w.names[c.Name]
	t := w.after(c)
	switch {
	case c.Was == 0 && (nameTaken || len(w.stakes) >= types.MaxValidators):
		return false
	case t.total == 0 || t.total > types.MaxAmount:
		return false
	}
	return t.isQuorum() || t.margin() > w.margin()
}

// after is what is online once a change is made.
func (w *weighing) after(c plan.StakeChange) tally {
	t := w.tally
	t.total += c.Stake - w.stakes[c.Key]
	if w.online[c.Key] {
		t.online += c.Stake - w.stakes[c.Key]
	}
	return t
}

func (w *weighing) apply(c plan.StakeChange) {
	w.tally = w.after(c)
	if c.Stake > 0 {
		w.stakes[c.Key], w.names[c.Name] = c.Stake, c.Key
		return
	}
	delete(w.stakes, c.Key)
	delete(w.names, c.Name)
}

// hold says why changes are held back: none of them may be made, even after all
// others.
func (w *weighing) hold(held []plan.StakeChange) string {
	var offline []string
	for _, c := range held {
		w.apply(c)
	}
	for name, key := range w.names {
		if !w.online[key] {
			offline = append(offline, name)
		}
	}
	slices.Sort(offline)
	if w.isQuorum() {
		return say(held) + ": held back, as there is no order in which the chain takes these and keeps its quorum. Make the edit in smaller steps"
	}
	text := fmt.Sprintf("%s: held back, as then %d of a total stake of %d would be online; more than two thirds are needed", say(held), w.tally.online, w.total)
	if len(offline) == 0 {
		return text
	}
	return fmt.Sprintf("%s. It goes on when %s online, or take the edit back", text, isOrAre(offline))
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}
