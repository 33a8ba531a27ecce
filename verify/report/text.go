package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/posnet/posnet/node/rpc/message"
)

// Text writes the report for a person.
func (r *Report) Text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "network\t%s\nid\t%s\ngenesis\t%s\n", r.Network.Name, r.Network.ID, r.Network.trust())
	for i := range r.Chains {
		r.Chains[i].text(w)
	}
	r.lottery(w)
	return w.Flush()
}

func (n *Network) trust() string {
	if n.Pinned {
		return "from " + n.Genesis + ", as you named it"
	}
	return "from " + n.Genesis + ": compare the id with one you trust, or name it with --network or --genesis"
}

func (c *Chain) text(w io.Writer) {
	fmt.Fprintf(w, "\nsource\t%s\n", c.Source)
	if f := c.Fault; f != nil {
		fmt.Fprintf(w, "FAULT\theight %d: %s: %s\n", f.Height, f.Where, f.What)
		if f.Expected != "" || f.Found != "" {
			fmt.Fprintf(w, "\texpected %s\n\tfound    %s\n", f.Expected, f.Found)
		}
	}
	fmt.Fprintf(w, "blocks\t%s\n", c.blocks())
	for _, what := range c.Unverified {
		fmt.Fprintf(w, "UNVERIFIED\t%s\n", what)
	}
	if c.RestsOn != "" {
		fmt.Fprintf(w, "rests on\t%s\n", c.RestsOn)
	}
	if c.Trusted {
		fmt.Fprintf(w, "trusted\tthe block that you trust is in this chain\n")
	}
	fmt.Fprintf(w, "records\t%s\nsignatures\t%d verified\n", c.records(), c.Signatures)
	fmt.Fprintf(w, "validators\tchanged at %d heights; %d blocks were made in a later round than the first\n", c.Handovers, c.LateRounds)
	if s := c.State; s != nil {
		fmt.Fprintf(w, "state\t%s after block %d: %d accounts with %d tokens, all that were minted\n", s.Digest, c.Height, s.Accounts, s.Minted)
	}
	var total uint64
	for _, n := range c.Records {
		total += n
	}
	seconds := max(c.Seconds, 1e-3)
	fmt.Fprintf(w, "took\t%.1f s: %.0f blocks and %.0f records a second\n", c.Seconds, float64(c.Blocks)/seconds, float64(total)/seconds)
}

// blocks says how many are sound, which, and in what.
func (c *Chain) blocks() string {
	if c.From == 1 {
		return fmt.Sprintf("%d sound: hashes, links, times, state digests, certificates, beacon proofs, draws", c.Blocks)
	}
	return fmt.Sprintf("%d sound, PARTIAL, from block %d on: hashes, links, times, certificates, beacon proofs%s%s",
		c.Blocks, c.From, c.from("draws", c.DrawsFrom), c.from("state digests", c.StateFrom))
}

// from says that something was verified from a height on; 0 stands for never.
func (c *Chain) from(what string, height uint64) string {
	switch height {
	case 0:
		return ""
	case c.From:
		return ", " + what
	}
	return fmt.Sprintf(", %s from block %d on", what, height)
}

// records says how many of which type there are.
func (c *Chain) records() string {
	var total uint64
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.Records)) {
		total += c.Records[kind]
		parts = append(parts, fmt.Sprintf("%d %s", c.Records[kind], kind))
	}
	if total == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(parts, ", "))
}

func (r *Report) lottery(w io.Writer) {
	f := &r.Fairness
	if f.Draws == 0 {
		return
	}
	verdict := "fair"
	if !f.Fair {
		verdict = "UNFAIR"
	}
	since := ""
	if f.From > 1 {
		since = fmt.Sprintf(" from height %d on", f.From)
	}
	fmt.Fprintf(w, "\nlottery\t%s over %d draws%s: p = %.3g, whenever and however often one looks (unfair below %g)\n", verdict, f.Draws, since, f.PValue, f.Significance)
	fmt.Fprintf(w, "fit\tp = %.3g: drawn against expected, chi-square %.2f of %d degrees\n", f.Fit.PValue, f.Fit.Statistic, f.Fit.Degrees)
	fmt.Fprintf(w, "uniform\tp = %.3g: Kolmogorov-Smirnov distance %.4f\n", f.Uniformity.PValue, f.Uniformity.Statistic)
	fmt.Fprintf(w, "serial\tp = %.3g: correlation of each draw with the next %.4f\n", f.Serial.PValue, f.Serial.Statistic)
	fmt.Fprintf(w, "\nPARTICIPANT\tHEIGHTS\tEXPECTED\tDRAWN\t%g%% INTERVAL\tWON\tMISSED\n", 100*f.Confidence)
	for _, t := range f.Participants {
		row(w, t.Name, t)
	}
	if f.Others.Heights > 0 {
		row(w, "others", f.Others)
	}
}

func row(w io.Writer, name string, t message.Tally) {
	mark := ""
	if t.Expected < t.Low || t.Expected > t.High {
		mark = " !"
	}
	fmt.Fprintf(w, "%s\t%d\t%.1f\t%d\t%.1f to %.1f%s\t%d\t%d\n", name, t.Heights, t.Expected, t.Observed, t.Low, t.High, mark, t.Won, t.Missed)
}
