package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/table"
	"github.com/posnet/posnet/node/types"
)

const (
	// asks is how often each question is asked, and pageSize how many blocks are asked
	// for at a time.
	asks     = 300
	pageSize = 20
	// auditPoll is how often a node is asked how many draws it has audited.
	auditPoll = 10 * time.Millisecond
)

// long is a node with a long chain, as it was measured.
type long struct {
	blocks  int
	disk    float64 // bytes of its data folder
	restart startup
	audit   time.Duration // until it has audited all draws
	memory  float64       // bytes, when it has
	answers []answer      // by question
	foreign float64       // cores, while they were asked
}

// answer is how long answers took: the fastest tenth, which is the same on a busy
// machine, half of them, and all but one in a hundred.
type answer struct{ fast, median, p99 time.Duration }

func answerOf(took []time.Duration) answer {
	slices.Sort(took)
	at := func(p float64) time.Duration { return took[int(math.Ceil(p*float64(len(took))))-1] }
	return answer{at(0.1), at(0.5), at(0.99)}
}

// question is asked of a node whose chain has a height; ids are of its records.
type question struct {
	name string
	ask  func(ctx context.Context, c *client.Client, x *examinee) error
}

// examinee is what questions are about.
type examinee struct {
	height   uint64
	ids      []types.Hash // of records anywhere in the chain
	accounts []types.Account
	random   *rand.Rand
}

func (x *examinee) anyHeight() uint64 { return 1 + x.random.Uint64N(x.height) }

// pageOf asks for a page of blocks.
func pageOf(ctx context.Context, c *client.Client, begin int64) error {
	b, err := c.Blocks(ctx, client.BlocksArgs{Start: begin, Limit: pageSize})
	if err == nil && len(b.Blocks) != pageSize {
		return fmt.Errorf("from %d there are %d blocks", begin, len(b.Blocks))
	}
	return err
}

var questions = []question{
	{"blocks, the first", func(ctx context.Context, c *client.Client, _ *examinee) error { return pageOf(ctx, c, 0) }},
	{"blocks, anywhere", func(ctx context.Context, c *client.Client, x *examinee) error {
		return pageOf(ctx, c, int64(x.random.Uint64N(x.height-pageSize)))
	}},
	{"blocks, the last", func(ctx context.Context, c *client.Client, _ *examinee) error { return pageOf(ctx, c, -pageSize) }},
	{"block", func(ctx context.Context, c *client.Client, x *examinee) error {
		_, err := c.Block(ctx, int64(x.anyHeight()), client.BlockArgs{})
		return err
	}},
	{"record", func(ctx context.Context, c *client.Client, x *examinee) error {
		r, err := c.Record(ctx, x.ids[x.random.IntN(len(x.ids))])
		if err == nil && r.Height == 0 {
			return fmt.Errorf("record %s is %s", r.ID, r.State)
		}
		return err
	}},
	{"proof", func(ctx context.Context, c *client.Client, x *examinee) error {
		_, err := c.Proof(ctx, x.ids[x.random.IntN(len(x.ids))])
		return err
	}},
	{"balance", func(ctx context.Context, c *client.Client, x *examinee) error {
		_, err := c.Balance(ctx, x.accounts[x.random.IntN(len(x.accounts))])
		return err
	}},
	{"winners", func(ctx context.Context, c *client.Client, x *examinee) error {
		_, err := c.WinnersUpTo(ctx, x.anyHeight(), pageSize)
		return err
	}},
	{"fairness", func(ctx context.Context, c *client.Client, _ *examinee) error {
		_, err := c.Fairness(ctx)
		return err
	}},
}

// blocks measures how cost grows with their number.
func (r *rig) blocks(ctx context.Context) (section, error) {
	keys := make([]types.PrivateKey, clients)
	for i := range keys {
		keys[i] = types.GenerateKey()
	}
	d := r.network(1, func(s *v1alpha1.PosNetworkSpec) {
		for _, k := range keys {
			s.Ledger.Accounts = append(s.Ledger.Accounts, v1alpha1.AccountBalance{Account: k.Public().String(), Balance: 1_000_000_000})
		}
		s.Builder.When, s.Builder.MaxRecords = fmt.Sprintf("pool.size >= %d", recordsPerBlock), recordsPerBlock
	})
	dir := filepath.Join(r.dir, "blocks")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return section{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with the folder around it
	all, err := d.Write(dir)
	if err != nil {
		return section{}, err
	}
	var longs []long
	for _, n := range r.options.blocks {
		say("%s blocks: filling", table.Thousands(n))
		if err := fill(ctx, all[0], keys, uint64(n)); err != nil {
			return section{}, err
		}
		say("%s blocks: asking", table.Thousands(n))
		l, err := examine(ctx, all[0], keys, uint64(n))
		if err != nil {
			return section{}, fmt.Errorf("%s blocks: %w", table.Thousands(n), err)
		}
		longs = append(longs, l)
	}
	return section{blocksTable(longs), blocksPanels(longs)}, nil
}

func fill(ctx context.Context, p *nodes.Process, keys []types.PrivateKey, height uint64) error {
	f, err := openFiller(ctx, p, keys)
	if err != nil {
		return err
	}
	err = f.to(ctx, height)
	if closeErr := f.close(); err == nil {
		err = closeErr
	}
	return err
}

// examine starts a node on a chain, and asks it.
func examine(ctx context.Context, p *nodes.Process, keys []types.PrivateKey, height uint64) (l long, err error) {
	defer p.Stop()
	l.blocks = int(height)
	if l.disk, err = nodes.FolderSize(p.Data()); err != nil {
		return l, err
	}
	if l.restart, err = startBest(ctx, p); err != nil {
		return l, err
	}
	began := time.Now().Add(-l.restart.took)
	c, err := client.Dial(ctx, p.API, client.Options{})
	if err != nil {
		return l, err
	}
	defer c.Close()
	if err := audited(ctx, c, height); err != nil {
		return l, err
	}
	l.audit = time.Since(began)
	memory, err := machine.ProcessMemory(p.PID())
	if err != nil {
		return l, err
	}
	l.memory = float64(memory)
	x := &examinee{height: height, random: rand.New(rand.NewPCG(height, 2))}
	for _, k := range keys {
		x.accounts = append(x.accounts, types.KeyedAccount(k.Public()))
	}
	if err := x.learn(ctx, c); err != nil {
		return l, err
	}
	return l, l.interview(ctx, c, p, x)
}

// audited waits until a node has audited the draws up to a height.
func audited(ctx context.Context, c *client.Client, height uint64) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		f, err := c.Fairness(ctx)
		if err != nil || f.Draws >= height {
			return err
		}
		if err := machine.Sleep(ctx, auditPoll); err != nil {
			return fmt.Errorf("%d draws of %d are audited: %w", f.Draws, height, err)
		}
	}
}

// learn takes the ids of records from blocks anywhere in the chain.
func (x *examinee) learn(ctx context.Context, c *client.Client) error {
	for range asks {
		b, err := c.Block(ctx, int64(x.anyHeight()), client.BlockArgs{IDs: true})
		if err != nil {
			return err
		}
		for _, item := range b.Items {
			x.ids = append(x.ids, item.Record.ID())
		}
	}
	return nil
}

// interview asks all questions, one at a time.
func (l *long) interview(ctx context.Context, c *client.Client, p *nodes.Process, x *examinee) error {
	from, err := machine.ReadClock(p.Time)
	if err != nil {
		return err
	}
	for _, q := range questions {
		var took []time.Duration
		for range asks {
			began := time.Now()
			if err := q.ask(ctx, c, x); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took = append(took, time.Since(began))
		}
		l.answers = append(l.answers, answerOf(took))
	}
	to, err := machine.ReadClock(p.Time)
	l.foreign = from.Until(to).Foreign
	return err
}

func blocksTable(all []long) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| blocks |")
	for _, l := range all {
		fmt.Fprintf(&b, " %s |", table.Thousands(l.blocks))
	}
	fmt.Fprintf(&b, "\n| --- |%s\n", strings.Repeat(" --- |", len(all)))
	row := func(name string, of func(long) string) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, l := range all {
			fmt.Fprintf(&b, " %s |", of(l))
		}
		fmt.Fprintln(&b)
	}
	for i, q := range questions {
		op, rest, _ := strings.Cut(q.name, ",")
		if rest != "" {
			rest = "," + rest
		}
		row("`"+op+"`"+rest, func(l long) string {
			a := l.answers[i]
			return fmt.Sprintf("%s, %s, %s", duration(a.fast), duration(a.median), duration(a.p99))
		})
	}
	row("start until ready", func(l long) string { return duration(l.restart.took) })
	row("processor for that", func(l long) string { return duration(l.restart.processor) })
	row("start until all draws are audited", func(l long) string { return duration(l.audit) })
	row("memory then", func(l long) string { return fmt.Sprintf("%.0f MiB", l.memory/mebibyte) })
	row("data folder", func(l long) string { return fmt.Sprintf("%.1f MiB", l.disk/mebibyte) })
	note := ""
	row("foreign", func(l long) string {
		mark := disturbed(l.foreign)
		if strings.HasSuffix(mark, "*") {
			note = disturbedNote
		}
		return mark
	})
	return b.String() + "\nAnswers: 10th percentile, which a busy machine changes least, median and 99th percentile of " + fmt.Sprint(asks) + ", one after another over one connection; pages have " + fmt.Sprint(pageSize) + " blocks.\n" + note
}

func blocksPanels(all []long) []curves.Panel {
	answers := curves.Panel{Title: "answer (10th percentile), ms", X: "blocks", LogX: true, LogY: true, Legend: true}
	for i, q := range questions {
		switch q.name {
		case "blocks, anywhere", "block", "record", "balance", "fairness":
		default:
			continue
		}
		l := curves.Line{Name: q.name, Dots: true}
		for _, one := range all {
			l.X, l.Y = append(l.X, float64(one.blocks)), append(l.Y, ms(one.answers[i].fast))
		}
		answers.Lines = append(answers.Lines, l)
	}
	panel := func(title string, of func(long) float64) curves.Panel {
		l := curves.Line{Dots: true}
		for _, one := range all {
			l.X, l.Y = append(l.X, float64(one.blocks)), append(l.Y, of(one))
		}
		return curves.Panel{Title: title, X: "blocks", LogX: true, LogY: true, Lines: []curves.Line{l}}
	}
	return []curves.Panel{
		answers,
		panel("processor of a start, s", func(l long) float64 { return l.restart.processor.Seconds() }),
		panel("start until all draws are audited, s", func(l long) float64 { return l.audit.Seconds() }),
		panel("data folder, MiB", func(l long) float64 { return l.disk / mebibyte }),
	}
}
