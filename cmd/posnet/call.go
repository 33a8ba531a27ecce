package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
)

func newCall() *cobra.Command {
	var url string
	var follow bool
	cmd := &cobra.Command{
		Use:   "call REQUEST...",
		Short: "Send requests of the client API as they are typed, and print the answers",
		Long: `Send each REQUEST, one JSON object, to a running node, and print each answer on a
line of its own, exactly as the node wrote it. docs/api.md shows all operations.`,
		Example: `  posnet call '{"op":"pool"}'
  posnet call --follow '{"op":"subscribe","args":{"topics":["winners"]}}'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s takes at least one request, such as '{\"op\":\"pool\"}'", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd.Context(), cmd.OutOrStdout(), url, args, follow)
		},
	}
	cmd.Flags().StringVar(&url, "url", client.DefaultURL, "client API of the node, a websocket URL or HOST:PORT")
	cmd.Flags().BoolVar(&follow, "follow", false, "go on printing news of subscribed topics until Ctrl-C")
	return cmd
}

// call sends frames one after the other. A refusal is printed like any answer:
// whoever types requests wants to see it.
func call(ctx context.Context, out io.Writer, url string, requests []string, follow bool) error {
	if !strings.Contains(url, "://") {
		url = "ws://" + url + "/ws"
	}
	link, _, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if err != nil {
		return fmt.Errorf("connect to %s: %w: %s", url, err, whatToDo)
	}
	defer link.Close()
	link.SetReadLimit(message.MaxAnswerBytes)
	defer context.AfterFunc(ctx, func() { link.Close() })()
	for _, request := range requests {
		if err := link.WriteMessage(websocket.TextMessage, []byte(request)); err != nil {
			return fmt.Errorf("%s hung up: %w", url, err)
		}
		if err := printFrame(out, link); err != nil {
			return fmt.Errorf("%s hung up: %w", url, err)
		}
	}
	for follow {
		if err := printFrame(out, link); err != nil {
			if ctx.Err() != nil || errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%s hung up: %w", url, err)
		}
	}
	return nil
}

func printFrame(out io.Writer, link *websocket.Conn) error {
	_, frame, err := link.ReadMessage()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", frame)
	return err
}
