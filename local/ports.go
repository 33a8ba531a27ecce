package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/local/state"
)

// Ports is where the nodes of a network listen. A port of 0 is any free one.
type Ports struct {
	Host    string // of client API and console; links and metrics are for this machine only
	API     int    // of the first validator; each further one has the next
	P2P     int    // likewise
	Console int    // of the first validator; the others have none
	Metrics int    // likewise
}

// DefaultPorts are those that the documentation names.
func DefaultPorts() Ports {
	return Ports{Host: loopback, API: 9000, P2P: 9200, Console: 9090, Metrics: 9464}
}

const (
	loopback = "127.0.0.1"
	maxPort  = 65535
)

// sites gives each of the names its ports, of which nobody else may have any.
func (p Ports) sites(names []string, console bool) (map[string]plan.Site, error) {
	// Runs of ports pass over the two that are not in a run.
	a := &allotment{taken: map[int]bool{p.Console: console, p.Metrics: true}}
	defer a.release()
	sites := make(map[string]plan.Site, len(names))
	api, p2p := p.API, p.P2P
	for i, name := range names {
		s := plan.Site{DataDir: state.DataDir}
		s.Listen.API = a.next(p.Host, &api, "--api-port", "the client API of "+name)
		if p.P2P == 0 {
			s.Listen.P2P = a.anyLink("the links of " + name)
		} else {
			s.Listen.P2P = a.next(loopback, &p2p, "--p2p-port", "the links of "+name)
		}
		if i == 0 && console {
			s.Listen.Console = a.one(p.Host, p.Console, "--console-port", "the console of "+name)
		}
		if i == 0 {
			s.Listen.Metrics = a.one(loopback, p.Metrics, "--metrics-port", "the metrics of "+name)
		}
		s.Dial = s.Listen.P2P
		sites[name] = s
	}
	return sites, a.err
}

// allotment hands out ports. Each is bound until all are handed out, so that
// none is free twice; the first error sticks.
type allotment struct {
	taken map[int]bool
	held  []net.Listener
	err   error
}

// next hands out the first port from *port on that is not spoken for, and moves
// on.
func (a *allotment) next(host string, port *int, flag, whose string) string {
	if *port == 0 {
		return a.one(host, 0, flag, whose)
	}
	for a.taken[*port] {
		*port++
	}
	*port++
	return a.one(host, *port-1, flag, whose)
}

// one hands out one port. For 0 it leaves the choice to the node.
func (a *allotment) one(host string, port int, flag, whose string) string {
	if a.err != nil {
		return ""
	}
	if port < 0 || port > maxPort {
		a.err = fmt.Errorf("%s: port %d, for %s, is none: ports are 1 to %d, or 0 for any free one", flag, port, whose, maxPort)
		return ""
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		a.err = fmt.Errorf("port %d, for %s, is in use: stop what listens there, or choose another with %s (0: any free one)", port, whose, flag)
	case err != nil:
		a.err = fmt.Errorf("port %d, for %s, cannot be opened: %w; choose another with %s or --host", port, whose, err, flag)
	case port == 0:
		l.Close() // only whether the host is one
	default:
		a.held = append(a.held, l)
		a.taken[port] = true
	}
	return address
}

// Any free port of a link is chosen here, since the other nodes must know it
// before the node starts: from below the range in which systems choose ports
// for outgoing connections, so that none of these takes it in between.
const (
	lowestLink, highestLink = 10_000, 30_000
	linkTries               = 1000
)

func (a *allotment) anyLink(whose string) string {
	if a.err != nil {
		return ""
	}
	for range linkTries {
		port := lowestLink + rand.IntN(highestLink-lowestLink)
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err == nil {
			a.held = append(a.held, l)
			return l.Addr().String()
		}
	}
	a.err = fmt.Errorf("no free port found for %s, from %d to %d: choose some with --p2p-port", whose, lowestLink, highestLink)
	return ""
}

func (a *allotment) release() {
	for _, l := range a.held {
		_ = l.Close() // it was bound to hold the port only
	}
}

// reachable is a bound address as one on this machine calls it.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort(loopback, port)
	}
	return address
}
