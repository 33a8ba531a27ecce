// Command node runs one validator of a posnet network.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/node"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
)

// version is set by the linker in releases.
var version = "dev"

type flags struct{ genesis, config, keys string }

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "node --genesis FILE --config FILE --keys FILE",
		Short: "Run one validator of a posnet network",
		Long: "Run one validator of a posnet network from three files: what all nodes agree on (genesis),\n" +
			"what is this node's own (config), and its secrets (keys). A relative data folder in the\n" +
			"config is relative to the config's folder. A change of the peers in the config is taken on\n" +
			"while the node runs; for all else it must be restarted. Logs go to standard error as JSON lines.",
		Args:          cobra.NoArgs,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.genesis, "genesis", "", "the genesis file, the same for all nodes")
	c.Flags().StringVar(&f.config, "config", "", "the config file of this node")
	c.Flags().StringVar(&f.keys, "keys", "", "the key file of this node")
	for _, name := range []string{"genesis", "config", "keys"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return c
}

// run runs the node until a signal ends it, or an error it cannot go on from.
func run(ctx context.Context, f flags) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := load(f)
	if err != nil {
		return err
	}
	n, err := node.Start(ctx, o)
	if err != nil {
		return err
	}
	at := n.Addresses()
	o.Logger.Info("the node runs", "validator", o.Config.Name, "network", o.Genesis.Name, "id", o.Genesis.Network().String(),
		"api", at.API, "p2p", at.P2P, "console", at.Console, "metrics", at.Metrics)
	select {
	case <-ctx.Done():
		stop() // another signal ends the program at once
		o.Logger.Info("the node stops: it was told to")
	case <-n.Done():
	}
	closed := n.Close()
	return errors.Join(n.Err(), closed) // what stopped it comes first
}

func load(f flags) (o node.Options, err error) {
	o.Version = version
	if o.Genesis, err = genesis.Load(f.genesis); err != nil {
		return o, err
	}
	if o.ConfigFile, err = config.Open(f.config); err != nil {
		return o, err
	}
	o.Config = o.ConfigFile.Config()
	if o.Keys, err = config.LoadKeys(f.keys); err != nil {
		return o, err
	}
	if o.Config.DataDir != "" && !filepath.IsAbs(o.Config.DataDir) {
		o.Config.DataDir = filepath.Join(filepath.Dir(f.config), o.Config.DataDir)
	}
	level, err := o.Config.Level()
	if err != nil {
		return o, err
	}
	o.Logger = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", o.Config.Name)
	return o, nil
}
