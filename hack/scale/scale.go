package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/hack/bench/curves"
	"github.com/posnet/posnet/hack/bench/machine"
	"github.com/posnet/posnet/hack/bench/nodes"
	"github.com/posnet/posnet/hack/bench/page"
	"github.com/posnet/posnet/local/manifest"
)

// rig is what all parts share.
type rig struct {
	options options
	dir     string // of everything that is written
	binary  string // the node's program
	spec    v1alpha1.PosNetworkSpec
}

// scale measures the parts that are wanted, and prints and writes each as soon as it
// is measured.
func scale(ctx context.Context, o options, out io.Writer) error {
	r, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.dir) }() // nobody to tell, and nothing lost
	measure := map[string]func(context.Context) (section, error){
		partValidators: r.validators, partAccounts: r.accounts, partBlocks: r.blocks,
	}
	for _, part := range parts {
		if !slices.Contains(o.only, part) {
			continue
		}
		s, err := measure[part](ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		if err := r.publish(ctx, part, s, out); err != nil {
			return err
		}
	}
	return nil
}

func prepare(ctx context.Context, o options) (*rig, error) {
	m, err := manifest.Load(o.manifest)
	if err != nil {
		return nil, err
	}
	r := &rig{options: o, spec: m.Spec}
	if r.dir, err = os.MkdirTemp(o.dir, "posnet-scale-"); err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	}
	if o.binary != "" {
		r.binary, err = filepath.Abs(o.binary)
		return r, err
	}
	say("building the node")
	r.binary, err = nodes.Build(ctx, r.dir)
	return r, err
}

// publish prints a section, draws its picture and writes its page.
func (r *rig) publish(ctx context.Context, part string, s section, out io.Writer) error {
	text := fmt.Sprintf("Measured on %s, %d cores (%s, %s, %s); posnet %s.\n\n%s", time.Now().UTC().Format("2006-01-02"),
		runtime.NumCPU(), machine.ProcessorName(), runtime.GOOS+"/"+runtime.GOARCH, runtime.Version(), nodes.Version(ctx), s.table)
	picture := r.options.picture(part)
	if picture != "" {
		if err := curves.Save(picture, 2, s.panels); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "## %s\n\n%s\n", part, text); err != nil {
		return err
	}
	if r.options.write == "" {
		return nil
	}
	if picture != "" {
		name, err := filepath.Rel(filepath.Dir(r.options.write), picture)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("\n![How cost grows with the number of %s](%s)\n", part, filepath.ToSlash(name))
	}
	return page.Write(r.options.write, "scale-"+part, text)
}

// network designs a network of n validators with equal stakes; change makes the
// rest of it.
func (r *rig) network(n int, change func(*v1alpha1.PosNetworkSpec)) *nodes.Design {
	spec := *r.spec.DeepCopy()
	replicas := int32(n)
	spec.Validators = []v1alpha1.Validator{{Name: "node", Stake: 25, Replicas: &replicas}}
	change(&spec)
	return nodes.NewDesign("scale", spec, r.binary)
}

// startPatience is how long a node may take to be ready: ten million accounts take
// their time on a slow machine.
const startPatience = 10 * time.Minute

// start starts the only node of a network and returns how long it took to be ready.
func start(ctx context.Context, p *nodes.Process) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	begin := time.Now()
	if err := p.Start(); err != nil {
		return 0, err
	}
	for {
		err := ready(ctx, p)
		if err == nil {
			return time.Since(begin), nil
		}
		if died := p.Died(); died != nil {
			return 0, died
		}
		if sleepErr := machine.Sleep(ctx, time.Millisecond); sleepErr != nil {
			return 0, fmt.Errorf("node %s is not ready: %w", p.Name, err)
		}
	}
}

func ready(ctx context.Context, p *nodes.Process) error {
	c, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Linked(ctx, 0)
}

// restarts is how often a node is started; the fastest counts, for all that happens
// beside makes it slower.
const restarts = 3

// startup is how long a node took to be ready, and what of the processors.
type startup struct{ took, processor time.Duration }

// startBest starts a node that does not run again and again, and leaves it running.
func startBest(ctx context.Context, p *nodes.Process) (best startup, err error) {
	for i := range restarts {
		if i > 0 {
			p.Stop()
		}
		took, err := start(ctx, p)
		if err != nil {
			return best, err
		}
		used, err := machine.ProcessTime(p.PID())
		if err != nil {
			return best, err
		}
		if i == 0 {
			best = startup{took, used}
		}
		best = startup{min(best.took, took), min(best.processor, used)}
	}
	return best, nil
}

// disturbed marks what something else on the machine got in the way of.
func disturbed(foreign float64) string {
	if foreign > machine.MaxForeign {
		return fmt.Sprintf("%.2f *", foreign)
	}
	return fmt.Sprintf("%.2f", foreign)
}

const disturbedNote = "\n\\* The rest of the machine used more than 0.15 of a core meanwhile: the times are longer than they need be.\n"

// say tells the person who waits how far things are.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
