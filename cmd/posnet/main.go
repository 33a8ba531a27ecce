// Command posnet is what a person types: it runs a network from its manifest on
// this machine, and asks running nodes how they are.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes: what was asked for failed, or was asked for wrongly.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "Error:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// usageError is a command typed wrongly.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "posnet",
		Short: "Run proof-of-stake networks from a manifest",
		Long: `posnet runs a network of proof-of-stake validators on this machine, from the
same manifest that a Kubernetes cluster takes, and asks running nodes how they are.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q: posnet --help lists the commands", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: %s --help lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(newUp(), newStatus(), newMint(), newCall(), newVerify(), newProof(), newVersion())
	return root
}

// arguments takes exactly the arguments that a command's use line names.
func arguments(count int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == count:
			return nil
		case count == 0:
			return usagef("%s takes no arguments, and %q is one", cmd.CommandPath(), args[0])
		}
		return usagef("%s takes %s: %d given", cmd.CommandPath(), names, len(args))
	}
}
