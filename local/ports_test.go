package local

import (
	"fmt"
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
			if address == "" {
				continue
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

// freePort finds three free ports in a row and returns the first.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		free := true
		for _, next := range []int{port + 1, port + 2} {
			n, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(next))
			if err != nil {
				free = false
				break
			}
			defer n.Close()
		}
		if l.Close(); free {
			return port
		}
	}
	t.Fatal("no three free ports in a row")
	return 0
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
