package main

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// hour makes the samples of an hour of one node.
func hour(of func(minute float64, u *usage), diskPerRecord func(minute float64) float64) []sample {
	var out []sample
	random, disk := rand.New(rand.NewPCG(5, 6)), 0.0
	const every = 10.0 // seconds
	for i := range 360 {
		minute := float64(i) * every / 60
		u := usage{Memory: 80 * mebibyte, Heap: 30 * mebibyte, Goroutines: 43, Files: 30}
		of(minute, &u)
		u.Memory += random.NormFloat64() * 2 * mebibyte
		u.Heap += random.NormFloat64() * 3 * mebibyte
		u.Goroutines += float64(random.IntN(3))
		u.Files += float64(random.IntN(5))
		disk += every * 300 * diskPerRecord(minute)
		u.Disk = disk + float64(random.IntN(4*mebibyte)) // what is written over, and not removed yet
		out = append(out, sample{Seconds: float64(i) * every, Records: uint64(i) * every * 300, Nodes: []usage{u}})
	}
	return out
}

func TestJudge(t *testing.T) {
	flatDisk := func(float64) float64 { return 300 }
	nothing := func(float64, *usage) {}
	for _, c := range []struct {
		name  string
		of    func(minute float64, u *usage)
		disk  func(minute float64) float64
		leaks string
	}{
		{"nothing", nothing, flatDisk, ""},
		{"a cache that fills in the first minutes", func(m float64, u *usage) { u.Memory += min(m, 15) * mebibyte }, flatDisk, ""},
		{"less than is allowed", func(m float64, u *usage) { u.Memory += m / 60 * mebibyte }, flatDisk, ""},
		{"memory", func(m float64, u *usage) { u.Memory += m / 5 * mebibyte }, flatDisk, "memory"},
		{"heap", func(m float64, u *usage) { u.Heap += m / 5 * mebibyte }, flatDisk, "heap"},
		{"a goroutine every five minutes", func(m float64, u *usage) { u.Goroutines += float64(int(m / 5)) }, flatDisk, "goroutines"},
		{"a file every two minutes", func(m float64, u *usage) { u.Files += float64(int(m / 2)) }, flatDisk, "files"},
		{"disk that is not freed any more", nothing, func(m float64) float64 { return 300 + max(0, m-25)*10 }, "disk"},
		{"disk a record that shrinks", nothing, func(m float64) float64 { return 400 - m*2 }, ""},
	} {
		r := report{Names: []string{"node-0"}, Samples: hour(c.of, c.disk)}
		if err := r.judge(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var found []string
		for _, g := range r.Growths {
			if g.Leaks {
				found = append(found, g.Series)
			}
		}
		if r.Disks[0].Leaks {
			found = append(found, "disk")
		}
		if got := strings.Join(found, " "); got != c.leaks || r.Leaks != (c.leaks != "") {
			t.Errorf("%s: %q grows, want %q; %+v %+v", c.name, got, c.leaks, r.Growths, r.Disks)
		}
		if text := r.text(); strings.Contains(text, "GROWS") != r.Leaks {
			t.Errorf("%s: the table is\n%s", c.name, text)
		}
	}
}

func TestTooShortARun(t *testing.T) {
	r := report{Names: []string{"node-0"}, Samples: make([]sample, 3)}
	for i := range r.Samples {
		r.Samples[i].Nodes = make([]usage, 1)
	}
	if err := r.judge(); err == nil || !strings.Contains(err.Error(), "eight points") {
		t.Errorf("error %v", err)
	}
}

func TestTheWorstNodeIsShown(t *testing.T) {
	all := []growth{
		{Series: "memory", Node: "a", Allowed: 1}, {Series: "memory", Node: "b", Allowed: 1}, {Series: "memory", Node: "c", Allowed: 1, Leaks: true}, {Series: "heap", Node: "d", Allowed: 1},
	}
	all[0].PerHour.Value, all[1].PerHour.Value, all[2].PerHour.Value, all[3].PerHour.Value = 5, 9, 2, 100
	if g := worst(all, "memory"); g.Node != "c" {
		t.Errorf("%+v", g)
	}
	if g := worst(all[:2], "memory"); g.Node != "b" {
		t.Errorf("%+v", g)
	}
}
