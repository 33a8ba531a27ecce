package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
)

// sample is the nodes as they were at one moment.
type sample struct {
	Seconds float64 `json:"seconds"` // since the load began
	Records uint64  `json:"records"` // committed by then
	Height  uint64  `json:"height"`
	Nodes   []usage `json:"nodes"`
}

// usage is what one node needs at a moment.
type usage struct {
	Memory     float64 `json:"memory"` // bytes in memory (VmRSS)
	Heap       float64 `json:"heap"`   // bytes at which the collector runs next: twice what lives
	Goroutines float64 `json:"goroutines"`
	Files      float64 `json:"files"`  // and connections open, but for the tables
	Tables     float64 `json:"tables"` // of the database open: as many as it has, up to its limit
	Disk       float64 `json:"disk"`   // bytes of its data folder
}

// look takes a sample of all nodes.
func look(ctx context.Context, all nodes.All, since time.Time) (s sample, err error) {
	s.Seconds = time.Since(since).Seconds()
	for _, p := range all {
		u, err := lookAt(ctx, p)
		if err != nil {
			return s, errors.Join(p.Died(), err)
		}
		s.Nodes = append(s.Nodes, u)
	}
	return s, nil
}

// tableExtension is what Pebble calls its tables.
const tableExtension = ".sst"

func lookAt(ctx context.Context, p *nodes.Process) (u usage, err error) {
	memory, err := machine.ProcessMemory(p.PID())
	if err != nil {
		return u, err
	}
	files, err := machine.ProcessFiles(p.PID())
	if err != nil {
		return u, err
	}
	m, err := p.Scrape(ctx)
	if err != nil {
		return u, err
	}
	if u.Heap, err = m.Sum("go_memstats_next_gc_bytes"); err != nil {
		return u, err
	}
	if u.Goroutines, err = m.Sum("go_goroutines"); err != nil {
		return u, err
	}
	u.Memory = float64(memory)
	for _, name := range files {
		if filepath.Ext(name) == tableExtension {
			u.Tables++
		} else {
			u.Files++
		}
	}
	u.Disk, err = nodes.FolderSize(p.Data())
	return u, err
}
