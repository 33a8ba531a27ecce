package rollout_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/posnet/posnet/controllers/rollout"
)

// rolling is a network of validators a, b, c and so on, described by a word
// each: stake, then o(nline) or d(own), then the template that is in the
// StatefulSet and the one the pod runs under, n(ew) or o(ld) (- for no pod), and
// why it is stuck.
func rolling(t *testing.T, allowQuorumLoss bool, words ...string) rollout.Network {
	t.Helper()
	n := rollout.Network{AllowQuorumLoss: allowQuorumLoss}
	for i, word := range words {
		var stake uint64
		var rest string
		word, stuck, _ := strings.Cut(word, " ")
		if _, err := fmt.Sscanf(word, "%d%s", &stake, &rest); err != nil || len(rest) != 3 {
			t.Fatalf("%q: %v", word, err)
		}
		v := rollout.Validator{
			Share: rollout.NewShare(string(rune('a'+i)), stake), Online: rest[0] == 'o', Applied: rest[1] == 'n', Stuck: stuck,
		}
		switch rest[2] {
		case rest[1]:
			v.Pod = rollout.PodCurrent
		case 'o', 'n':
			v.Pod = rollout.PodOld
		}
		n.Validators = append(n.Validators, v)
	}
	return n
}

func TestNext(t *testing.T) {
	for name, tt := range map[string]struct {
		words []string
		allow bool
		want  string // apply, pauses, delete
		said  string // in progress or in why it is stopped
	}{
		"nothing to do":                     {words: []string{"30onn", "27onn", "23onn"}},
		"nothing to do, and one is down":    {words: []string{"30onn", "27onn", "23onn", "20dnn crashes"}},
		"the lightest first":                {words: []string{"30ooo", "27ooo", "23ooo", "20ooo"}, want: "apply d", said: "0 of 4 validators have their new template"},
		"one after the other":               {words: []string{"30ooo", "27ooo", "23ooo", "20onn"}, want: "apply c", said: "1 of 4"},
		"of equals the first by name":       {words: []string{"25ooo", "25ooo", "25ooo", "25ooo"}, want: "apply a"},
		"not before the last is back":       {words: []string{"30ooo", "27ooo", "23ooo", "20dnn"}, said: "1 of 4 validators have their new template; the next one's turn comes when d is back"},
		"nor before its pod is the new":     {words: []string{"30ooo", "27ooo", "23ooo", "20ono"}, said: "d is back"},
		"nor before it has a pod":           {words: []string{"30ooo", "27ooo", "23ooo", "20dn-"}, said: "d is back"},
		"who is down goes first":            {words: []string{"30doo", "27ooo", "23ooo", "20ooo"}, want: "apply a"},
		"who has no pod goes at once":       {words: []string{"30do-", "27do-", "23ooo", "20ooo"}, want: "apply a b"},
		"who is stuck goes at once":         {words: []string{"30doo no image", "27doo no image", "23doo no image", "20doo no image"}, want: "apply a b c d"},
		"also when another waits":           {words: []string{"30doo no image", "27ooo", "23ooo", "20dnn"}, want: "apply a", said: "d is back"},
		"a pod that does not come back":     {words: []string{"30ooo", "27ooo", "23ooo", "20dnn its image cannot be pulled"}, said: "d does not come back under its new template: its image cannot be pulled. No other validator is touched; mend the spec, or take the edit back"},
		"undone, the old pod in the way":    {words: []string{"30onn", "27onn", "23onn", "20dno no image"}, want: "delete d"},
		"in the way, with others to go":     {words: []string{"30ooo", "27ooo", "23ooo", "20dno no image"}, want: "delete d", said: "no image"},
		"the heavy one last":                {words: []string{"100ooo", "50ooo", "10onn"}, allow: true, want: "apply b"},
		"the heavy one, allowed":            {words: []string{"100ooo", "20onn", "20onn"}, allow: true, want: "apply a, pauses a"},
		"the heavy one, forbidden":          {words: []string{"100ooo", "20onn", "20onn"}, said: "a holds a third of the stake or more: to restart it would pause the chain, which spec.disruption.allowQuorumLoss forbids"},
		"the heavy one, forbidden, is down": {words: []string{"100doo", "20onn", "20onn"}, want: "apply a"},
		"one alone":                         {words: []string{"5ooo"}, allow: true, want: "apply a, pauses a"},
		"exactly two thirds would be left":  {words: []string{"1ooo", "1ooo", "1ooo"}, said: "a holds a third of the stake or more"},
		"one without stake":                 {words: []string{"1onn", "1onn", "0ooo"}, want: "apply c"},
	} {
		t.Run(name, func(t *testing.T) {
			s := rollout.Next(rolling(t, tt.allow, tt.words...))
			if got := did(s); got != tt.want {
				t.Errorf("it does %q, want %q", got, tt.want)
			}
			if text := s.Progress + "\n" + s.Stopped; !strings.Contains(text, tt.said) || tt.said == "" && strings.Contains(text, "stopped") {
				t.Errorf("it says %q, want %q", text, tt.said)
			}
		})
	}
}

func did(s rollout.Step) string {
	var parts []string
	if len(s.Apply) > 0 {
		parts = append(parts, "apply "+strings.Join(s.Apply, " "))
	}
	if s.Pauses != "" {
		parts = append(parts, "pauses "+s.Pauses)
	}
	if len(s.Delete) > 0 {
		parts = append(parts, "delete "+strings.Join(s.Delete, " "))
	}
	return strings.Join(parts, ", ")
}

// A key that is gone weighs like one that is down.
func TestNextCountsLostStake(t *testing.T) {
	n := rolling(t, true, "30ooo", "27ooo", "23ooo", "20ooo")
	n.Lost = 20
	want := "to restart d would leave 80 of a total stake of 120 online; more than two thirds are needed. It waits until more are online"
	if s := rollout.Next(n); did(s) != "" || s.Stopped != want {
		t.Errorf("it does %q and says %q", did(s), s.Stopped)
	}
	n.Lost = 10
	if s := rollout.Next(n); did(s) != "apply d" {
		t.Errorf("it does %q and says %q", did(s), s.Stopped)
	}
}

// While stakes change, the worst of them counts.
func TestNextGoesByTheWorstStake(t *testing.T) {
	n := rolling(t, false, "30ooo", "27ooo", "23ooo", "20ooo")
	n.Validators[3].High = 30 // and a goes before, of the same weight
	if s := rollout.Next(n); did(s) != "apply c" {
		t.Errorf("it does %q and says %q", did(s), s.Stopped)
	}
	n.Validators[0].High, n.Validators[1].High, n.Validators[2].High, n.Validators[3].High = 60, 60, 60, 50
	if s := rollout.Next(n); did(s) != "" || !strings.Contains(s.Stopped, "d holds a third of the stake or more") {
		t.Errorf("it does %q and says %q", did(s), s.Stopped)
	}
}
