// Command cometbft runs nodes of a CometBFT v1.0.1 network with an app that does
// what posnet's ledger does for a transfer: signed records of 144 bytes, each
// signature checked once by every node, and the accounts in Pebble with one
// synced commit for each block. It is posnet's yardstick:
//
//	make bench-peers
//
// builds it and measures both in turn; hack/bench says what is measured, and
// sends the transfers. By hand:
//
//	cometbft init -dir DIR -nodes 4 -balance 1000000000
//	cometbft node -home DIR/0 -mode tuned -p2p 127.0.0.1:9001 -rpc 127.0.0.1:9101 -peers ID@127.0.0.1:9002,…
//
// It is a module of its own, so that posnet depends on none of it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("what to do is missing: init or node")
	}
	switch args[0] {
	case "init":
		return runInit(args[1:])
	case "node":
		return runNode(args[1:])
	}
	return fmt.Errorf("%q is no command: there are init and node", args[0])
}

func runInit(args []string) error {
	f := flag.NewFlagSet("init", flag.ContinueOnError)
	dir := f.String("dir", "", "the folder for the nodes' folders, which are named 0, 1, …")
	nodes := f.Int("nodes", 4, "how many validators")
	balance := f.Int64("balance", 1_000_000_000, "what every account has at the beginning")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *nodes < 1 || *balance < 0 {
		return errors.New("init needs -dir, at least one of -nodes, and a -balance that is not negative")
	}
	return initNetwork(os.Stdout, *dir, *nodes, *balance)
}

func runNode(args []string) error {
	f := flag.NewFlagSet("node", flag.ContinueOnError)
	var s settings
	f.StringVar(&s.home, "home", "", "the node's folder, as init made it")
	f.StringVar(&s.mode, "mode", tuned, "how it is set: "+strings.Join(modes, ", "))
	f.StringVar(&s.p2p, "p2p", "", "where it listens for its peers, host:port")
	f.StringVar(&s.rpc, "rpc", "", "where it listens for clients, host:port")
	f.StringVar(&s.peers, "peers", "", "the others, ID@host:port with commas between")
	if err := f.Parse(args); err != nil {
		return err
	}
	return serve(s)
}
