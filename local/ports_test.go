package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestSitesShareNoPort(t *testing.T) {
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("v%d", i))
	}
	sites, err := Ports{Host: "127.0.0.1"}.sites(names, true)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, name := range names {
		l := sites[name].Listen
		for what, address := range map[string]string{"api": l.API, "p2p": l.P2P, "console": l.Console, "metrics": l.Metrics} {
			if wanted := what == "api" || what == "p2p" || name == "v0"; wanted != (address != "") {
				t.Errorf("%s of %s is %q", what, name, address)
			}
			if address == "" || address == "127.0.0.1:0" && what != "p2p" {
				continue // off, or the node's own choice
			}
			if by, ok := seen[address]; ok {
				t.Errorf("%s is given to %s and to the %s of %s", address, by, what, name)
			}
			seen[address] = name
		}
		if sites[name].Dial != l.P2P {
			t.Errorf("%s is dialled at %s and listens at %s", name, sites[name].Dial, l.P2P)
		}
	}
	for address := range seen {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("%s was not let go: %v", address, err)
		}
		l.Close()
	}
}

// A run of ports passes over those of console and metrics.
func TestPortsCountUp(t *testing.T) {
	base := freePort(t)
	sites, err := Ports{Host: "127.0.0.1", API: base, Console: base + 1}.sites([]string{"a", "b"}, true)
	if err != nil {
		t.Fatal(err)
	}
	a, b := sites["a"].Listen, sites["b"].Listen
	want := fmt.Sprintf("127.0.0.1:%d 127.0.0.1:%d 127.0.0.1:%d", base, base+2, base+1)
	if got := a.API + " " + b.API + " " + a.Console; got != want {
		t.Errorf("given %s, want %s", got, want)
	}
}

// freePort finds three free ports in a row, of those that no outgoing
// connection takes, and returns the first.
func freePort(t *testing.T) int {
	t.Helper()
	for range linkTries {
		port := lowestLink + rand.IntN(highestLink-lowestLink)
		free := 0
		for free < 3 && listens(port+free) {
			free++
		}
		if free == 3 {
			return port
		}
	}
	t.Fatal("no three free ports in a row")
	return 0
}

func listens(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:9000": "127.0.0.1:9000", "[::]:9000": "127.0.0.1:9000", "127.0.0.1:9000": "127.0.0.1:9000",
		"192.0.2.1:9000": "192.0.2.1:9000", "": "",
	} {
		if got := reachable(address); got != want {
			t.Errorf("%q is reached at %q, want %q", address, got, want)
		}
	}
}

func TestBadPortsNameTheFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	used := l.Addr().(*net.TCPAddr).Port
	host := "127.0.0.1"
	tests := []struct {
		name  string
		ports Ports
		want  string
	}{
		{"api", Ports{Host: host, API: used}, fmt.Sprintf("port %d, for the client API of a, is in use: stop what listens there, or choose another with --api-port", used)},
		{"p2p", Ports{Host: host, P2P: used}, "for the links of a, is in use"},
		{"console", Ports{Host: host, Console: used}, "another with --console-port"},
		{"metrics", Ports{Host: host, Metrics: used}, "another with --metrics-port"},
		{"too large", Ports{Host: host, API: 65535}, "--api-port: port 65536, for the client API of b, is none: ports are 1 to 65535"},
		{"negative", Ports{Host: host, P2P: -1}, "--p2p-port: port -1"},
		{"no such host", Ports{Host: "203.0.113.7"}, "cannot be opened"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.ports.sites([]string{"a", "b"}, true)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
