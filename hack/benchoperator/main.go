// Command benchoperator measures the operator on this machine and prints a table:
//
//	go run ./hack/benchoperator                       # 200 networks of 4, some minutes
//	go run ./hack/benchoperator -networks 50 -seconds 20
//
// The API server and its etcd are real, and so is the operator: the very program,
// in a process of its own, whose memory and processor time are read from the
// system. What is missing of a cluster stands in: pods are written as a kubelet
// would, each with an address of the loopback range, and at that address, in one
// more process, a stand-in tells of a chain with a block a second.
//
// First all networks are brought up; then, while each has a block a second, memory,
// processor and the writes of statuses are measured; then the networks come to
// rest, and reconciles are called for that find nothing to do.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// validators of each network, of equal stake.
const validators = 4

// Bounds of the flags.
const (
	maxNetworks = 2000 // ten times the goal's; one API server on one machine has long been the limit by then
	maxSeconds  = 3600
)

type options struct {
	networks int
	span     time.Duration
}

func main() {
	if standIn() {
		return
	}
	var o options
	seconds := 60
	flag.IntVar(&o.networks, "networks", 200, "how many networks")
	flag.IntVar(&seconds, "seconds", seconds, "how long to measure while blocks come")
	flag.Parse()
	o.span = time.Duration(seconds) * time.Second
	if err := checked(o, seconds); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func checked(o options, seconds int) error {
	switch {
	case o.networks < 1 || o.networks > maxNetworks:
		return fmt.Errorf("-networks is %d: it must be 1 to %d", o.networks, maxNetworks)
	case seconds < 10 || seconds > maxSeconds:
		return fmt.Errorf("-seconds is %d: it must be 10 to %d", seconds, maxSeconds)
	}
	ctrl.SetLogger(logr.Discard()) // what libraries say aside
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, o)
}

// say tells the person who waits how far things are.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
