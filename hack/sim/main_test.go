package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestPlay(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"seeds":   {[]string{"-heights", "60", "-each", "10"}, []string{"no finding in ", " seeds from 0 on, in "}},
		"a seed":  {[]string{"-seed", "3", "-each", "5"}, []string{"seed 3: trace ", " of virtual time"}},
		"a trace": {[]string{"-seed", "3", "-each", "5", "-trace"}, []string{"seed 3: ", " nodes, 5 heights", " commits ", " healed"}},
		"twins":   {[]string{"-twins", "1"}, []string{"no finding in all 30 scenarios of 1 rounds"}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseFlags(c.args)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := o.play(t.Context(), &out); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// Whoever interrupts a run is told how far it came.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if err := (options{seed: -1, each: 1}).play(ctx, &out); err != nil || !strings.Contains(out.String(), "no finding in 0 heights") {
		t.Errorf("%v, %s", err, out.String())
	}
	if err := (options{seed: -1, twins: 1}).play(ctx, &out); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v", err)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-each", "0"}, {"-each", "2000000"}, {"-twins", "5"}, {"-heights", "x"}, {"more"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestProgressLine(t *testing.T) {
	p := &progress{what: "heights", total: 100_000}
	for want, got := range map[string]string{
		"20000 of 100000 heights, 500/s, 2m40s left": p.line(20_000, 40*time.Second),
		"0 of 100000 heights, 0/s, ? left":           p.line(0, time.Second),
		"100100 of 100000 heights, 1001/s, 0s left":  p.line(100_100, 100*time.Second),
		"20000 heights, 500/s":                       (&progress{what: "heights"}).line(20_000, 40*time.Second),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
