package consensus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/types"
)

// ballots reads "prevote 0 X a b; precommit 1 nil c": votes of one height.
func ballots(s *script, text string) (votes []types.Vote) {
	for poll := range strings.SplitSeq(text, ";") {
		f := strings.Fields(poll)
		for _, e := range s.votes(f[0], uint32(number(s.t, f[1])), f[2], f[3:]) {
			votes = append(votes, *e.(VoteArrived).Vote.Value())
		}
	}
	return votes
}

func TestCulprits(t *testing.T) {
	const decided = "prevote 0 X a b c; precommit 0 X a b c; "
	for name, c := range map[string]struct{ votes, want string }{
		"nobody":                       {decided + "prevote 0 nil d; precommit 0 nil d", ""},
		"a double prevote":             {decided + "prevote 0 nil d; prevote 0 X d", "d prevote 0, prevote 0"},
		"a double precommit":           {decided + "precommit 0 nil c", "c precommit 0, precommit 0"},
		"other kinds and rounds":       {"prevote 0 X d; precommit 0 nil d; prevote 1 Y d; precommit 1 nil d", ""},
		"a fork in one round":          {decided + "prevote 0 Y b c d; precommit 0 Y b c d", "b prevote 0, prevote 0; c prevote 0, prevote 0"},
		"a forgotten lock":             {decided + "prevote 1 Y c", "c precommit 0, prevote 1"},
		"a lock that holds":            {decided + "prevote 1 X a b c; prevote 2 nil a b c", ""},
		"no lock on nil":               {"precommit 0 nil a; prevote 1 Y a", ""},
		"a fork by forgetting":         {decided + "prevote 1 Y b c d; precommit 1 Y b c d", "b precommit 0, prevote 1; c precommit 0, prevote 1"},
		"an unlocked prevote":          {"prevote 0 X a b c; precommit 0 X a; prevote 1 Y b c d; prevote 2 Y a", ""},
		"unlocked by the same round":   {"prevote 0 X a b c; precommit 0 X a; prevote 0 Y b c d; prevote 1 Y a", "b prevote 0, prevote 0; c prevote 0, prevote 0"},
		"a quorum that came too late":  {"prevote 0 X a b c; precommit 0 X a; prevote 2 Y b c d; prevote 2 Y a", "a precommit 0, prevote 2"},
		"a quorum that came too early": {"prevote 0 Y b c d; prevote 1 X a b c; precommit 1 X a; prevote 2 Y a", "a precommit 1, prevote 2"},
		"stake that is no quorum":      {"prevote 0 X a b c; precommit 0 X a; prevote 1 Y b c; prevote 2 Y a", "a precommit 0, prevote 2"},
		"strangers":                    {"prevote 0 X z; prevote 0 nil z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{t: t}
			s.run("core a a:1 b:1 c:1 d:1")
			s.run("height 1 a,b,c,d")
			votes := ballots(s, c.votes)
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
			votes = append(votes, votes...) // several nodes hold the same votes
			var got []string
			for _, e := range Culprits(s.set, votes) {
				got = append(got, fmt.Sprintf("%s %v %d, %v %d", keyName(e.First.Validator), e.First.Kind, e.First.Round, e.Second.Kind, e.Second.Round))
			}
			if got := strings.Join(got, "; "); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
