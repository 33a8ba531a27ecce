package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/client/light"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/types/jsonfile"
)

// maxReceiptBytes bounds what is read of a receipt: a thousand handovers of a
// hundred validators take forty megabytes.
const maxReceiptBytes = 64 << 20

// proofFlags are the flags of posnet proof as typed.
type proofFlags struct{ url, network, write, check string }

func newProof() *cobra.Command {
	var f proofFlags
	cmd := &cobra.Command{
		Use:   "proof [ID]",
		Short: "Prove that a record is in the chain to somebody who trusts no node",
		Long: `Get from a node what proves that the record ID is in a block, check it, and with
--write keep it in a file. With --check FILE such a file is checked, offline.

What a proof rests on is the network's id alone: name the one you trust with
--network, or compare the one that is printed.`,
		Example: `  posnet proof 1e2f72e0ccc29cb02d7642145e97a3235f78698d30ece7567a2f4f144ecd79d1 --write receipt.json
  posnet proof --check receipt.json --network 2f782beca6c497e09ee1b67bd6a1202048f19e97f7e1364a58d415ce7b3ecd9e`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 && f.check == "" || len(args) > 0 && f.check != "" {
				return usagef("%s takes the id of a record, or --check FILE", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.check != "" {
				return f.offline(cmd.OutOrStdout())
			}
			return f.fetch(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&f.url, "url", client.DefaultURL, "client API of the node, a websocket URL or HOST:PORT")
	cmd.Flags().StringVar(&f.network, "network", "", "the id that the network must have, 64 hex digits")
	cmd.Flags().StringVar(&f.write, "write", "", "keep the proof in this file")
	cmd.Flags().StringVar(&f.check, "check", "", "check the proof in this file, and ask no node")
	return cmd
}

func (f *proofFlags) fetch(ctx context.Context, text string, out io.Writer) error {
	var id types.Hash
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return usagef("the record's id: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c, err := dial(ctx, f.url)
	if err != nil {
		return err
	}
	defer c.Close()
	r, checked, err := light.Fetch(ctx, c, id)
	if err != nil {
		return err
	}
	if err := f.print(out, r, checked, "the node"); err != nil || f.write == "" {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.write, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("the proof cannot be kept: %w", err)
	}
	return nil
}

func (f *proofFlags) offline(out io.Writer) error {
	data, err := jsonfile.Read(f.check, maxReceiptBytes)
	if err != nil {
		return fmt.Errorf("the proof cannot be read: %w", err)
	}
	r := &light.Receipt{}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("%s holds no proof: %w", f.check, err)
	}
	checked, err := r.Check()
	if err != nil {
		return err
	}
	return f.print(out, r, checked, "the file")
}

// print says what was proved, and on what that rests.
func (f *proofFlags) print(out io.Writer, r *light.Receipt, c *light.Checked, from string) error {
	trust := "taken from " + from + ": compare the id with one you trust, or name it with --network"
	if f.network != "" {
		var want types.Hash
		if err := want.UnmarshalText([]byte(f.network)); err != nil {
			return usagef("--network: %w", err)
		}
		if c.Network != want {
			return fmt.Errorf("the proof is of network %s, not of %s", c.Network, want)
		}
		trust = "as you named it"
	}
	names := make([]string, len(c.Signers))
	for i, v := range c.Signers {
		names[i] = v.Name
	}
	_, err := fmt.Fprintf(out, "record %s is in block %d, number %d of %d, of %s\ncertified by %s with %d of %d stake; the validators handed over %d times since genesis\nnetwork %s, id %s, %s\n",
		r.Proof.ID, c.Header.Height, r.Proof.Index+1, r.Proof.Count, c.Header.Time.Std().Format("2006-01-02 15:04:05 UTC"),
		strings.Join(names, ", "), c.Signed, c.Total, len(r.Handovers), c.Genesis.Name, c.Network, trust)
	return err
}
