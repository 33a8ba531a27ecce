package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/verify"
	verdict "github.com/posnet/posnet/verify/report"
	"github.com/posnet/posnet/verify/source"
)

// verifyFlags are the flags of posnet verify as typed.
type verifyFlags struct {
	url, genesis, network, trust, output, plot string
}

func newVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [SOURCE]",
		Short: "Recompute a whole chain from its genesis, trusting no node",
		Long: `Recompute a chain from its genesis: every hash, link, time, signature, certificate,
beacon proof, draw, stake, balance and state digest, and judge the lottery. SOURCE is
a node's client API (a websocket URL or HOST:PORT), a data folder, or a network's
folder, whose nodes' folders are all verified. Folders are read and left as they
are; their nodes must not run.

The genesis is taken from the source, and its id printed: name the id you trust with
--network, or a genesis file with --genesis, and nothing is believed.

Of a source that has not all blocks, those are verified that it has, as far as that
goes: the output says PARTIAL, and what is UNVERIFIED. A block that you know from
elsewhere may be named with --trust HEIGHT:HASH; the chain must then have it.

Exit code 1 means that something is wrong, and the first height at fault is named.`,
		Example: `  posnet verify                                  # the node on this machine
  posnet verify .posnet/quickstart               # the folders of a stopped network
  posnet verify 127.0.0.1:9001 --plot draws.svg -o json
  posnet verify 127.0.0.1:9001 --trust 4711:0db5ed1dab0b1c2ad2c1c8e0a6e3d41d25ba6c04d6e8de54b29f5ea0c1b5f24b`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one source: %d given", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			where := f.url
			if len(args) == 1 {
				where = args[0]
			}
			return f.verify(cmd.Context(), where, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.url, "url", client.DefaultURL, "client API of the node, where no SOURCE is given")
	flags.StringVar(&f.genesis, "genesis", "", "the network's genesis file; else that of the source is taken")
	flags.StringVar(&f.network, "network", "", "the id that the network must have, 64 hex digits")
	flags.StringVar(&f.trust, "trust", "", "a block that the chain must have, as HEIGHT:HASH")
	flags.StringVarP(&f.output, "output", "o", "text", "text, json or yaml")
	flags.StringVar(&f.plot, "plot", "", "write the lottery's picture to this file, .svg or .png")
	return cmd
}

func (f *verifyFlags) verify(ctx context.Context, where string, out, errs io.Writer) error {
	if f.output != "text" && f.output != "json" && f.output != "yaml" {
		return usagef("--output %q is not known: it must be text, json or yaml", f.output)
	}
	if f.plot != "" {
		if err := verdict.CheckPicture(f.plot); err != nil {
			return usageError{err}
		}
	}
	trusted, err := f.trusted()
	if err != nil {
		return err
	}
	sources, err := open(ctx, where)
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range sources {
			_ = s.Close() // it was only read
		}
	}()
	g, from, err := f.start(ctx, sources[0])
	if err != nil {
		return err
	}
	bar := newBar(errs)
	found, err := verify.All(ctx, g, sources, trusted, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	r := verdict.New(g, from, f.genesis != "" || f.network != "", found)
	if err := f.print(out, r); err != nil {
		return err
	}
	if bad := r.Fault(); bad != nil {
		return fmt.Errorf("the chain of %s is not valid: %w", bad.Source, bad.Fault)
	}
	switch {
	case trusted == nil || r.Trusted():
	case r.Chains[0].Blocks == 0:
		return fmt.Errorf("no block %d is here to be held against the one you trust: there is none at all", trusted.Height)
	default:
		return fmt.Errorf("no block %d is here to be held against the one you trust: --trust must name one from %d to %d", trusted.Height, max(1, r.Chains[0].From-1), r.Chains[0].Height)
	}
	return nil
}

// trusted reads the block that a person trusts, nil if none is named.
func (f *verifyFlags) trusted() (*verify.Trusted, error) {
	if f.trust == "" {
		return nil, nil
	}
	height, hash, _ := strings.Cut(f.trust, ":")
	var t verify.Trusted
	var err error
	if t.Height, err = strconv.ParseUint(height, 10, 64); err == nil {
		err = t.Hash.UnmarshalText([]byte(hash))
	}
	if err != nil || t.Height == 0 {
		return nil, usagef("--trust %q: it must be HEIGHT:HASH, a height from 1 and 64 hex digits", f.trust)
	}
	return &t, nil
}

func (f *verifyFlags) print(out io.Writer, r *verdict.Report) error {
	if f.plot != "" {
		if err := r.Picture(f.plot); err != nil {
			return err
		}
	}
	if f.output == "text" {
		return r.Text(visible(out))
	}
	return printObject(out, f.output, r)
}

// open opens what a person named: a node, a data folder, or a network's folder.
func open(ctx context.Context, where string) ([]source.Source, error) {
	if _, err := os.Stat(where); err != nil || strings.Contains(where, "://") {
		if !strings.Contains(where, ":") {
			return nil, fmt.Errorf("%s is no folder and no address: name a node as HOST:PORT, or a folder such as .posnet/quickstart", where)
		}
		n, err := source.OpenNode(ctx, where)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, whatToDo)
		}
		return []source.Source{n}, nil
	}
	folders, err := source.Folders(where)
	if err != nil {
		return nil, err
	}
	var out []source.Source
	for _, dir := range folders {
		s, err := source.OpenFolder(dir)
		if err != nil {
			for _, opened := range out {
				_ = opened.Close() // it was only read
			}
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// start returns the genesis, where it is from, and checks that it is the one
// that was asked for.
func (f *verifyFlags) start(ctx context.Context, s source.Source) (g *genesis.Genesis, from string, err error) {
	if f.genesis != "" {
		g, err = genesis.Load(f.genesis)
		from = f.genesis
	} else {
		g, from, err = s.Genesis(ctx)
	}
	if err != nil || f.network == "" {
		return g, from, err
	}
	var want types.Hash
	if err := want.UnmarshalText([]byte(f.network)); err != nil {
		return nil, "", usagef("--network: %w", err)
	}
	if g.Network() != want {
		return nil, "", fmt.Errorf("the genesis from %s is that of network %s, not of %s", from, g.Network(), want)
	}
	return g, from, nil
}

const (
	// barInterval is how often a bar on a terminal moves, linesInterval how often
	// there is a line elsewhere.
	barInterval, linesInterval = 100 * time.Millisecond, 5 * time.Second
	barWidth                   = 30
)

// bar tells how far it has come: one line that moves on a terminal, a line now
// and then elsewhere.
type bar struct {
	out      io.Writer
	moves    bool
	interval time.Duration
	began    time.Time
	last     time.Time
}

func newBar(out io.Writer) *bar {
	b := &bar{out: out, interval: linesInterval, began: time.Now(), last: time.Now()}
	if isTerminal(out) && os.Getenv("TERM") != "dumb" {
		b.moves, b.interval = true, barInterval
	}
	return b
}

func (b *bar) show(s source.Source, p verify.Progress) {
	if time.Since(b.last) < b.interval {
		return
	}
	b.last = time.Now()
	text := fmt.Sprintf("%s: block %d of %d, %d records, %.0f s", s.Label(), p.Head.Height, p.Of, p.Records, time.Since(b.began).Seconds())
	if !b.moves {
		fmt.Fprintln(b.out, text)
		return
	}
	done := int(barWidth * min(p.Head.Height, p.Of) / max(p.Of, 1))
	fmt.Fprintf(b.out, "\r\x1b[K%s%s %s", strings.Repeat("━", done), strings.Repeat("─", barWidth-done), text)
}

// end takes a moving bar away.
func (b *bar) end() {
	if b.moves {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
