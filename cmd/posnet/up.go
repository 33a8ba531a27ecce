package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local"
	"github.com/posnet/posnet/local/manifest"
)

// upFlags are the flags of posnet up as typed.
type upFlags struct {
	file, dir, until, output, logLevel string
	reset, plain                       bool
	timeout                            time.Duration
	ports                              local.Ports
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up -f FILE",
		Short: "Run a network from its manifest on this machine",
		Long: `Run every validator of a PosNetwork manifest on this machine, in one process, each
with its own data folder and ports. Chain and keys are kept in DIR/NAME: started
again, the network goes on from where it was.

On a terminal a screen shows the chain live; elsewhere, or with --plain, there is
a line for each block. Ctrl-C stops the network, and nothing is lost.

A manifest may change between two runs. Rules, pace and ports apply at once. New
stakes and added or removed validators are brought into the running chain by stake
records. What the chain was made with (ledger, faucet, guests) cannot change:
--reset starts anew, --dir starts another network beside it.`,
		Example: `  # a first network
  posnet up -f config/samples/quickstart.yaml

  # run until block 10 is final, and print the network's status as JSON
  posnet up -f network.yaml --until height=10 --timeout 1m -o json

  # a second network beside the first, on any free ports
  posnet up -f other.yaml --api-port 0 --p2p-port 0 --console-port 0 --metrics-port 0`,
		Args: arguments(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.up(cmd) },
	}
	d := local.DefaultPorts()
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "filename", "f", "", "the manifest, YAML or JSON; - reads standard input")
	flags.StringVar(&f.dir, "dir", "./.posnet", "the folder of the state; the network's is DIR/NAME")
	flags.BoolVar(&f.reset, "reset", false, "delete the network's state first, keys included, and start anew")
	flags.StringVar(&f.until, "until", "", "stop once every node that runs has this block: height=N")
	flags.DurationVar(&f.timeout, "timeout", 0, "with --until: fail if it takes longer, such as 90s; 0 waits as long as it takes")
	flags.StringVarP(&f.output, "output", "o", "", "print the network with its status at the end, and nothing else: json or yaml")
	flags.BoolVar(&f.plain, "plain", false, "lines instead of the live screen")
	flags.StringVar(&f.ports.Host, "host", d.Host, "where client API and console listen; 0.0.0.0 lets other machines in")
	flags.IntVar(&f.ports.API, "api-port", d.API, "client API of the first validator, each further one has the next; 0: any free ports")
	flags.IntVar(&f.ports.P2P, "p2p-port", d.P2P, "links of the first validator, each further one has the next; 0: any free ports")
	flags.IntVar(&f.ports.Console, "console-port", d.Console, "line console of the first validator, if the manifest enables it; 0: any free port")
	flags.IntVar(&f.ports.Metrics, "metrics-port", d.Metrics, "Prometheus metrics of the first validator; 0: any free port")
	flags.StringVar(&f.logLevel, "log-level", "info", "of the nodes' logs: debug, info, warn or error")
	return cmd
}

func (f *upFlags) up(cmd *cobra.Command) error {
	r, err := f.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	network, err := local.Up(cmd.Context(), r)
	if network == nil {
		return err
	}
	if f.output != "" {
		if printErr := printObject(r.Out, f.output, network); err == nil {
			err = printErr
		}
	} else if err == nil {
		_, err = fmt.Fprintln(r.Out, farewell(network))
	}
	return err
}

// farewell is the last line.
func farewell(n *v1alpha1.PosNetwork) string {
	if n.Status.Phase == v1alpha1.PhaseHibernated {
		return fmt.Sprintf("network %s hibernates: no node runs and all data is kept; set spec.hibernate to false to wake it", n.Name)
	}
	return fmt.Sprintf("network %s stopped at height %d; the same command goes on from there", n.Name, n.Status.Height)
}

// run turns the flags into what to run.
func (f *upFlags) run(out, errs io.Writer) (local.Run, error) {
	r := local.Run{Out: out, Err: errs, Timeout: f.timeout}
	if f.file == "" {
		return r, usagef("which network? Name its manifest with -f FILE, such as -f config/samples/quickstart.yaml")
	}
	if f.output != "" && f.output != "json" && f.output != "yaml" {
		return r, usagef("--output %q is not known: it must be json or yaml", f.output)
	}
	if err := r.Options.LogLevel.UnmarshalText([]byte(f.logLevel)); err != nil || f.logLevel != strings.ToLower(r.LogLevel.String()) {
		return r, usagef("--log-level %q is not known: it must be %s, %s, %s or %s", f.logLevel, "debug", "info", "warn", "error")
	}
	if err := f.end(&r); err != nil {
		return r, err
	}
	network, err := manifest.Load(f.file)
	if err != nil {
		return r, err
	}
	r.Manifest, r.Source, r.Version = network, f.file, programVersion()
	r.Dir, r.Reset, r.Ports = f.dir, f.reset, f.ports
	r.Folder = shown(filepath.Join(f.dir, network.Name))
	r.View = f.view(out)
	return r, nil
}

// end reads --until and --timeout.
func (f *upFlags) end(r *local.Run) error {
	if f.timeout < 0 || f.timeout > 0 && f.until == "" {
		return usagef("--timeout %v: it bounds --until height=N, and is not negative", f.timeout)
	}
	if f.until == "" {
		return nil
	}
	number, ok := strings.CutPrefix(f.until, "height=")
	height, err := strconv.ParseUint(number, 10, 53) // what JSON holds exactly
	if !ok || err != nil || height == 0 {
		return usagef("--until %q is not known: it must be height=N, where N is a whole number from 1", f.until)
	}
	r.Until = height
	return nil
}

// view is the screen where out is a terminal that can show one.
func (f *upFlags) view(out io.Writer) local.View {
	if f.output != "" {
		return local.Silent
	}
	if f.plain || !isTerminal(out) || os.Getenv("TERM") == "dumb" {
		return local.Lines
	}
	return local.Screen
}

// shown is a folder as a person would type it.
func shown(path string) string {
	if filepath.IsLocal(path) {
		return "." + string(filepath.Separator) + path
	}
	return path
}

// printObject prints an object as kubectl would.
func printObject(out io.Writer, format string, object any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	if err := e.Encode(object); err != nil {
		return err
	}
	data := text.Bytes()
	if format == "yaml" {
		var err error
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
	}
	_, err := visible(out).Write(data)
	return err
}
