package p2p

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv makes the test binary run one node instead of tests; its value is
// the address of the peer.
const childEnv = "POSNET_P2P_TEST_CHILD"

// runChild runs node 1, with node 0 at the address given, until it is killed.
func runChild() {
	address, err := net.ResolveTCPAddr("tcp", os.Getenv(childEnv))
	if err != nil {
		panic(err)
	}
	mesh, err := New(Config{
		Key: testKey(1), Network: testNetwork, Name: "child", Listen: "127.0.0.1:0",
		Peers: []Peer{peerOf(0, address)}, Handler: &recorder{},
	})
	if err != nil {
		panic(err)
	}
	mesh.Start()
	fmt.Println("child listens at", mesh.Addr())
	bufio.NewReader(os.Stdin).ReadByte() // ends with the parent at the latest
}

func startChild(t *testing.T, parent net.Addr) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+parent.String())
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// TestKilledProcessIsNoticedAtOnce: nobody need wait for a timeout to learn that
// a validator is dead.
func TestKilledProcessIsNoticedAtOnce(t *testing.T) {
	childKey := testKey(1).Public()
	node := newNode(t, 0, func(c *Config) { c.Allowed = allow(1) })
	node.Start()
	for range 3 {
		child := startChild(t, node.Addr())
		eventually(t, "the child is linked", func() bool { return node.isUp(childKey) })
		killed := time.Now()
		if err := child.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the child is missed", func() bool { return strings.HasSuffix(node.eventsOf(childKey), "down") })
		took := time.Since(killed)
		t.Logf("noticed after %v", took.Round(10*time.Microsecond))
		if took > standardTiming.silence/4 {
			t.Errorf("a killed process was noticed after %v: silence told of it, not the connection", took)
		}
		child.Wait()
	}
}

func noDelay(t *testing.T, c *net.TCPConn) bool {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	value := 0
	var optErr error
	if err := raw.Control(func(fd uintptr) {
		value, optErr = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
	}); err != nil || optErr != nil {
		t.Fatal(err, optErr)
	}
	return value != 0
}
