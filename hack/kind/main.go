// Command kind gives a kind cluster with posnet in it, from a clone, and takes it
// away again.
//
//	go run ./hack/kind up     # as "make kind-up" does
//	go run ./hack/kind down
//
// Up may be repeated: it then builds the image anew, and upgrades what runs. The
// node image is the one that KIND_NODE_IMAGE names, else kind's own where it can be
// had, else one that hack/kind-node builds from source.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/posnet/posnet/hack/cluster"
)

const usage = `usage: go run ./hack/kind [flags] up|down

  up    make a kind cluster with the operator and a first network in it; if it is
        there, bring it up to date with this source
  down  take it away

flags:
`

func main() {
	flags := flag.NewFlagSet("kind", flag.ExitOnError)
	name := flags.String("name", "posnet", "the cluster's name")
	version := flags.String("version", "dev", "the version that the image says it is")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	_ = flags.Parse(os.Args[1:]) // it exits when it fails
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flags.Args(), *name, *version); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, name, version string) error {
	if len(args) != 1 {
		return fmt.Errorf("say what to do, up or down: got %q", args)
	}
	host, err := cluster.NewHost(ctx, os.Stdout)
	if err != nil {
		return err
	}
	c := host.Cluster(name, "")
	switch args[0] {
	case "up":
		return up(ctx, host, c, version)
	case "down":
		return c.Delete()
	default:
		return fmt.Errorf("%q cannot be done: up and down can", args[0])
	}
}
