package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/page"
	"github.com/posnet/posnet/hack/bench/steady"
	"github.com/posnet/posnet/local/manifest"
)

// tellEvery is how often the person who waits is told how far things are.
const tellEvery = time.Minute

// errLeaks is what a leak ends the program with: the table says which.
var errLeaks = errors.New("something grows that must stay flat: see the table")

// soak runs the network, and prints and writes what became of it.
func soak(ctx context.Context, o options, out io.Writer) error {
	r, err := run(ctx, o)
	if err != nil {
		return err
	}
	if err := r.print(out, o.json); err != nil {
		return err
	}
	if o.picture != "" {
		if err := r.draw(o.picture); err != nil {
			return err
		}
	}
	if o.write != "" {
		if err := page.Write(o.write, "soak", r.markdown(relative(o.write, o.picture))); err != nil {
			return err
		}
	}
	if r.Leaks {
		return errLeaks
	}
	return nil
}

// run is one run on a new chain.
func run(ctx context.Context, o options) (*report, error) {
	dir, err := os.MkdirTemp(o.dir, "posnet-soak-")
	if err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // nobody to tell, and nothing lost
	accounts := steady.NewAccounts(o.accounts)
	design, err := newDesign(ctx, o, dir, accounts)
	if err != nil {
		return nil, err
	}
	network, err := design.Network()
	if err != nil {
		return nil, err
	}
	all, err := design.Write(dir)
	if err != nil {
		return nil, err
	}
	defer all.Stop()
	if err := nodes.StartAll(ctx, all); err != nil {
		return nil, err
	}
	load, err := steady.Open(ctx, all, network, accounts)
	if err != nil {
		return nil, err
	}
	defer load.Close()
	return measure(ctx, o, dir, all, load)
}

// relative is the picture's name as the page calls it.
func relative(file, picture string) string {
	if name, err := filepath.Rel(filepath.Dir(file), picture); picture != "" && err == nil {
		return filepath.ToSlash(name)
	}
	return picture
}

// newDesign reads the manifest and builds the node if there is none.
func newDesign(ctx context.Context, o options, dir string, accounts *steady.Accounts) (*nodes.Design, error) {
	m, err := manifest.Load(o.manifest)
	if err != nil {
		return nil, err
	}
	m.Spec.Ledger.Accounts = accounts.Funded()
	m.Spec.Consensus.MinBlockInterval = metav1.Duration{Duration: o.interval}
	binary, err := filepath.Abs(o.binary)
	if o.binary == "" {
		say("building the node")
		binary, err = nodes.Build(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	return nodes.NewDesign(m.Name, m.Spec, binary), nil
}

// measure sends and looks at the nodes until the time is over, and checks the books.
func measure(ctx context.Context, o options, dir string, all nodes.All, load *steady.Load) (*report, error) {
	r := newReport(o, dir, all)
	r.Commit = nodes.Version(ctx)
	begin := time.Now()
	end := begin.Add(o.time)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	sent := make(chan error, 1)
	go func() {
		late, err := load.Run(sending, o.rate, end)
		r.LateMS = float64(late) / float64(time.Millisecond)
		sent <- err
	}()
	samples, err := watch(ctx, o, all, load, begin, sent)
	if err != nil {
		return nil, err
	}
	r.Samples = samples
	say("the load is over: checking the books")
	if err := load.Settle(ctx); err != nil {
		return nil, err
	}
	r.Records, r.Height = load.Committed()
	r.Refused = load.Refused()
	return r, r.judge()
}

// watch takes samples until the load ends.
func watch(ctx context.Context, o options, all nodes.All, load *steady.Load, begin time.Time, sent <-chan error) (samples []sample, err error) {
	told := begin
	for i := 1; ; i++ {
		select {
		case err := <-sent:
			return samples, err
		case <-time.After(time.Until(begin.Add(time.Duration(i) * o.every))):
		}
		s, err := look(ctx, all, begin)
		if err != nil {
			return samples, err
		}
		s.Records, s.Height = load.Committed()
		samples = append(samples, s)
		if time.Since(told) >= tellEvery {
			told = time.Now()
			say("%s", s.line(o.time))
		}
	}
}

// line is how far the run is, and what the nodes need by now.
func (s sample) line(whole time.Duration) string {
	var memory, files []string
	for _, n := range s.Nodes {
		memory = append(memory, fmt.Sprintf("%.0f", n.Memory/mebibyte))
		files = append(files, fmt.Sprintf("%.0f", n.Files))
	}
	passed := time.Duration(s.Seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%v of %v: %d records in %d blocks; memory %s MiB, files %s",
		passed, whole, s.Records, s.Height, strings.Join(memory, " "), strings.Join(files, " "))
}

// say tells the person who waits how far things are.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
