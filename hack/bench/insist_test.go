package main

import (
	"testing"

	"pgregory.net/rapid"
)

// However frames are answered, in the end all are accepted that were sent, each
// once, and within a group never a new one before one that was refused.
func TestInsistence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const batch = 2
		groups := rapid.IntRange(1, 5).Draw(t, "groups")
		frames := groups * rapid.IntRange(1, 6).Draw(t, "rounds")
		in := newInsistence(frames*batch, groups*batch, batch)
		taken := make([]int, frames)
		refused := map[int]bool{}
		var flying []int
		send := func(fresh bool) bool {
			f, ok := in.next(fresh)
			if !ok {
				return false
			}
			for g := f % groups; g < f; g += groups {
				if refused[g] {
					t.Fatalf("frame %d goes before %d, which was refused", f, g)
				}
			}
			if !fresh && !refused[f] {
				t.Fatalf("frame %d was not refused", f)
			}
			delete(refused, f)
			flying = append(flying, f)
			return true
		}
		answer := func(refusal string) {
			f := flying[0]
			flying = flying[1:]
			if refusal == "" {
				taken[f]++
			} else {
				refused[f] = true
			}
			in.answer(refusal)
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch {
			case rapid.Bool().Draw(t, "send"):
				send(true)
			case len(flying) > 0:
				answer(rapid.SampledFrom([]string{"", "429"}).Draw(t, "answer"))
			}
			if got, want := in.unaccepted(), (len(flying)+len(refused))*batch; got != want {
				t.Fatalf("%d records are not accepted, want %d", got, want)
			}
		}
		for in.unaccepted() > 0 {
			for len(flying) > 0 {
				answer("")
			}
			send(false)
		}
		for f, n := range taken {
			if n > 1 {
				t.Errorf("frame %d is accepted %d times", f, n)
			}
		}
	})
}

func TestRefusalsTellTheCommonestFirst(t *testing.T) {
	if got := (refusals{"429": 7, "503": 2, "400": 7}).String(); got != "7 with 400, 7 with 429, 2 with 503" {
		t.Error(got)
	}
	if got := (refusals{}).String(); got != "none" {
		t.Error(got)
	}
}

func TestDivisorUpTo(t *testing.T) {
	for limit, want := range map[int]int{1: 1, 3: 2, 5: 5, 7: 5, 250: 250} {
		if got := divisorUpTo(250, limit); got != want {
			t.Errorf("up to %d: %d, want %d", limit, got, want)
		}
	}
}
