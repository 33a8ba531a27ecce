//go:build !linux

package faults_test

import (
	"testing"

	"github.com/posnet/posnet/test/processes"
)

// smallDisk is a disk of a node's own, which only Linux lets a test make.
type smallDisk struct{}

func mountDisk(*testing.T, *processes.Process) (*smallDisk, bool) { return nil, false }

func (*smallDisk) leave()       {}
func (*smallDisk) fill()        {}
func (*smallDisk) free()        {}
func (*smallDisk) remount(bool) {}
