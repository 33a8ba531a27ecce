package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
)

func newCall() *cobra.Command {
	var c caller
	cmd := &cobra.Command{
		Use:   "call REQUEST...",
		Short: "Send requests of the client API as they are typed, and print the answers",
		Long: `Send each REQUEST, one JSON object, to a running node, and print each answer on a
line of its own, exactly as the node wrote it; only on a terminal, characters that
cannot be seen are shown as JSON escapes them. docs/api.md shows all operations.`,
		Example: `  posnet call '{"op":"pool"}'
  posnet call --follow '{"op":"subscribe","args":{"topics":["winners"]}}'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s takes at least one request, such as '{\"op\":\"pool\"}'", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.timeout <= 0 {
				return usagef("--timeout %v: it must be more than 0, such as 30s", c.timeout)
			}
			return c.call(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
	cmd.Flags().StringVar(&c.url, "url", client.DefaultURL, "client API of the node, a websocket URL or HOST:PORT")
	cmd.Flags().BoolVar(&c.follow, "follow", false, "go on printing news of subscribed topics until Ctrl-C")
	cmd.Flags().DurationVar(&c.timeout, "timeout", 30*time.Second, "how long the node may take to answer each request, and to be connected to, for which it has 10s at most")
	return cmd
}

// caller is the flags of posnet call as typed.
type caller struct {
	url     string
	follow  bool
	timeout time.Duration
}

// call sends frames one after the other. A refusal is printed like any answer:
// whoever types requests wants to see it.
func (c *caller) call(ctx context.Context, out io.Writer, requests []string) error {
	dialing, cancel := context.WithTimeout(ctx, c.timeout)
	link, err := client.DialFrames(dialing, c.url)
	cancel()
	if err != nil {
		return fmt.Errorf("%w: %s", err, whatToDo)
	}
	defer link.Close()
	defer context.AfterFunc(ctx, func() { link.Close() })()
	for _, request := range requests {
		frame, err := c.exchange(link, request)
		if err != nil {
			return c.lost(ctx, err)
		}
		if err := showFrame(out, frame); err != nil {
			return err
		}
	}
	for c.follow {
		frame, err := link.News()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return c.lost(ctx, err)
		}
		if err := showFrame(out, frame); err != nil {
			return err
		}
	}
	return nil
}

func (c *caller) exchange(link *client.Frames, request string) ([]byte, error) {
	if err := link.Send([]byte(request), c.timeout); err != nil {
		return nil, err
	}
	return link.Next(c.timeout)
}

// showFrame prints a frame on a line of its own.
func showFrame(out io.Writer, frame []byte) error {
	if isTerminal(out) {
		frame = []byte(escape(string(frame)))
	}
	_, err := fmt.Fprintf(out, "%s\n", frame)
	return err
}

// lost says how a connection ended.
func (c *caller) lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the person wants no answer any more
	case errors.Is(err, client.ErrSilent):
		return fmt.Errorf("%s: %w", c.url, err)
	case errors.Is(err, client.ErrNoAnswer):
		return fmt.Errorf("%s: %w: --timeout says how long that may take, and is %v", c.url, err, c.timeout)
	}
	return fmt.Errorf("%s hung up: %w", c.url, err)
}
