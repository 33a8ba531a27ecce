package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// requestTimeout is how long a node may take to answer: it takes milliseconds.
const requestTimeout = 10 * time.Second

// report is what one node says of its network.
type report struct {
	Status     message.Status     `json:"status"`
	Validators message.Validators `json:"validators"`
	Winners    []message.Winner   `json:"winners"`
	Fairness   message.Fairness   `json:"fairness"`
}

func newStatus() *cobra.Command {
	var url, output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask a running node how its network is",
		Example: `  posnet status
  posnet status --url 127.0.0.1:9001 -o json`,
		Args: arguments(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "" && output != "json" && output != "yaml" {
				return usagef("--output %q is not known: it must be json or yaml", output)
			}
			r, err := ask(cmd.Context(), url)
			if err != nil {
				return err
			}
			if output != "" {
				return printObject(cmd.OutOrStdout(), output, r)
			}
			return r.print(visible(cmd.OutOrStdout()), time.Now())
		},
	}
	cmd.Flags().StringVar(&url, "url", client.DefaultURL, "client API of the node, a websocket URL or HOST:PORT")
	cmd.Flags().StringVarP(&output, "output", "o", "", "print what the node answers: json or yaml")
	return cmd
}

// whatToDo follows the error of a node that cannot be reached.
const whatToDo = "is the network up? posnet up starts one, --url names another node"

// dial connects to a node. A refusal in the node's own words stands as it is.
func dial(ctx context.Context, url string) (*client.Client, error) {
	c, err := client.Dial(ctx, url, client.Options{})
	var refused *client.Error
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("%w: %s", err, whatToDo)
	}
	return c, err
}

func ask(ctx context.Context, url string) (*report, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c, err := dial(ctx, url)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := &report{}
	if r.Status, err = c.Status(ctx); err != nil {
		return nil, err
	}
	if r.Validators, err = c.Validators(ctx, 0); err != nil {
		return nil, err
	}
	if r.Winners, err = c.Winners(ctx, 0); err != nil {
		return nil, err
	}
	r.Fairness, err = c.Fairness(ctx)
	return r, err
}

// print writes tables as kubectl does.
func (r *report) print(out io.Writer, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	s := r.Status
	fmt.Fprintln(w, "NETWORK\tHEIGHT\tHEAD\tAGE\tPOOL\tONLINE STAKE\tLOTTERY\tREADY")
	fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%d/%d\t%s\t%s\n", s.Network, s.Height, s.HeadHash.Short(), age(s.HeadTime, now),
		s.PoolSize, s.OnlineStake, s.TotalStake, r.lottery(), ready(s))
	fmt.Fprintln(w, "\nVALIDATOR\tSTAKE\tONLINE\tHEIGHT\tDRAWN\tWON\tMISSED")
	byName := func(a, b message.Validator) int { return cmp.Compare(a.Name, b.Name) }
	for _, v := range slices.SortedFunc(slices.Values(r.Validators.Validators), byName) {
		fmt.Fprintf(w, "%s\t%d\t%v\t%d\t%d\t%d\t%d\n", v.Name, v.EffectiveStake, v.Online, v.Height, v.Drawn, v.Won, v.Missed)
	}
	if len(r.Winners) > 0 {
		fmt.Fprintln(w, "\nHEIGHT\tWINNER\tROUND\tRECORDS\tHASH\tAGE")
	}
	for _, one := range r.Winners {
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%s\t%s\n", one.Height, health.WinnerName(one), one.Round, one.Records, one.Hash.Short(), age(one.Time, now))
	}
	return w.Flush()
}

func (r *report) lottery() string {
	switch f := r.Fairness; {
	case f.Draws == 0:
		return "no draws yet"
	case f.Fair:
		return fmt.Sprintf("fair (p=%.2f)", f.PValue)
	default:
		return fmt.Sprintf("UNFAIR (p=%.2g)", f.PValue)
	}
}

func ready(s message.Status) string {
	if s.Ready {
		return "yes"
	}
	return "no: " + s.NotReady
}

// age is how long ago a time was, to the second.
func age(t message.Timestamp, now time.Time) string {
	if t == 0 {
		return "-"
	}
	return max(now.Sub(types.Time(t).Std()), 0).Truncate(time.Second).String()
}
