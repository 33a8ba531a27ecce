package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// fateInterval is how often a node is asked what became of a record.
const fateInterval = 100 * time.Millisecond

func newMint() *cobra.Command {
	var url string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "mint ACCOUNT AMOUNT",
		Short: "Have the faucet of a running network give tokens to an account",
		Long: `Send a mint, a transfer from the account GENESIS, to a running node, and wait until
it is in a block. The network's faucet must be on.

An account is an ed25519 public key (64 hex digits) or, where the network allows
open accounts, a UUID.`,
		Example: "  posnet mint bc70b89d-4521-454c-bebc-6c2456074bf2 100",
		Args:    arguments(2, "an account and an amount"),
		RunE: func(cmd *cobra.Command, args []string) error {
			receiver, err := types.ParseAccount(args[0])
			if err != nil {
				return usageError{err}
			}
			amount, err := types.ParseWhole(args[1], 1)
			if err != nil {
				return usagef("the amount %w", err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			c, err := dial(ctx, url)
			if err != nil {
				return err
			}
			defer c.Close()
			record := client.Mint(receiver, amount)
			record.Time = types.TimeOf(time.Now()) // so that its id is known here
			record.Seal()
			if err := c.Merge(ctx, record); err != nil {
				return err
			}
			place, err := wait(ctx, c, record.ID())
			if errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("the record %s waits in the pool still after %v: a block comes when the network's rule says so", record.ID(), timeout)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has %d tokens more, by record %s in block %d\n", receiver, amount, record.ID(), place.Height)
			return err
		},
	}
	cmd.Flags().StringVar(&url, "url", client.DefaultURL, "client API of the node, a websocket URL or HOST:PORT")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait for the block")
	return cmd
}

// wait returns once a record is in a block, or why it never will be.
func wait(ctx context.Context, c *client.Client, id types.Hash) (message.Record, error) {
	tick := time.NewTicker(fateInterval)
	defer tick.Stop()
	for {
		r, err := c.Record(ctx, id)
		switch {
		case err != nil:
			return r, err
		case r.State == message.Committed:
			return r, nil
		case r.State == message.Dropped:
			return r, fmt.Errorf("the record %s was dropped: %s", id, r.Reason)
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-tick.C:
		}
	}
}
