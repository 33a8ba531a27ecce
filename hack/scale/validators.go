package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/bench/table"
)

// validators measures how cost grows with their number.
func (r *rig) validators(ctx context.Context) (section, error) {
	sims, err := r.simulateAll(ctx)
	if err != nil {
		return section{}, err
	}
	procs, err := r.runAll(ctx)
	if err != nil {
		return section{}, err
	}
	return section{validatorsTable(sims, procs), validatorsPanels(sims, procs)}, nil
}

func validatorsTable(sims []simulated, procs []running) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| in the simulator | messages a block | of them votes | candidates | proposals | bytes a block | virtual time a height | processor a height |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, s := range sims {
		t := s.traffic
		fmt.Fprintf(&b, "| %d validators | %s | %s | %s | %s | %s | %.1f ms | %s |\n", s.validators, count(t.messages()), count(t.votes), count(t.candidates),
			count(t.proposals), bytesText(t.bytes), ms(s.time), duration(s.processor))
	}
	fmt.Fprintf(&b, "\n| in processes | messages of agreement a block | bytes of agreement a block | bytes of records, a record | time a height | processor a height | cores used | peak memory of a node | rounds lost | foreign |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	note := ""
	for _, p := range procs {
		mark := disturbed(p.foreign)
		if strings.HasSuffix(mark, "*") {
			note = disturbedNote
		}
		fmt.Fprintf(&b, "| %d validators | %s | %s | %s | %s | %s | %.2f | %.0f MiB | %.0f in %.0f blocks | %s |\n", p.validators, count(p.messages), bytesText(p.voteBytes),
			bytesText(p.bulkBytes), duration(p.time), duration(p.processor), p.cores, p.memory/mebibyte, p.lostRounds, p.blocks, mark)
	}
	return b.String() + note
}

func validatorsPanels(sims []simulated, procs []running) []curves.Panel {
	messages := curves.Panel{Title: "messages a block, all validators", X: "validators", LogX: true, LogY: true, Legend: true, Lines: make([]curves.Line, 2)}
	size := curves.Panel{Title: "bytes of agreement a block, all validators", X: "validators", LogX: true, LogY: true, Lines: make([]curves.Line, 2)}
	took := curves.Panel{Title: "time a height, ms", X: "validators", LogX: true, LogY: true, Lines: make([]curves.Line, 2)}
	used := curves.Panel{Title: "processor a height, all validators, ms", X: "validators", LogX: true, LogY: true, Lines: make([]curves.Line, 2)}
	all := []*curves.Panel{&messages, &size, &took, &used}
	for _, p := range all {
		p.Lines[0], p.Lines[1] = curves.Line{Name: "simulator", Dots: true}, curves.Line{Name: "processes", Dots: true}
	}
	add := func(line, n int, values ...float64) {
		for i, v := range values {
			l := &all[i].Lines[line]
			l.X, l.Y = append(l.X, float64(n)), append(l.Y, v)
		}
	}
	for _, s := range sims {
		add(0, s.validators, s.traffic.messages(), s.traffic.bytes, ms(s.time), ms(s.processor))
	}
	for _, p := range procs {
		add(1, p.validators, p.messages, p.voteBytes, ms(p.time), ms(p.processor))
	}
	return []curves.Panel{messages, size, took, used}
}

const mebibyte = 1 << 20

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func count(v float64) string { return table.Thousands(int(v + 0.5)) }

// bytesText is a size for people to read.
func bytesText(v float64) string {
	switch {
	case v >= mebibyte:
		return fmt.Sprintf("%.1f MiB", v/mebibyte)
	case v >= 10<<10:
		return fmt.Sprintf("%.0f KiB", v/(1<<10))
	}
	return fmt.Sprintf("%.0f B", v)
}

// duration is a time for people to read, with two or three digits.
func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", ms(d))
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", ms(d))
	}
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}
