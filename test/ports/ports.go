// Package ports finds ports of this machine that nobody else takes, so that
// several networks can be started at once, and a node that was killed finds its
// port free when it comes back.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	// lowest and highest bound the ports handed out. They are below those that
	// systems give to outgoing connections, one of which would else sooner or
	// later sit on the port of a node that is being restarted.
	lowest, highest = 10_000, 32_000
	// Max is how many ports a block can have: four to each of fifteen nodes.
	Max = 63
	// tries bounds the search: by far most of these ports are free on any machine.
	tries = 200
)

// Block is some ports of 127.0.0.1 that are free, and that no other program
// gets from this package until Release.
type Block struct {
	guard net.Listener // on the port below: who holds it has the whole block
	first int
	size  int
}

// Take finds n ports, 1 to Max.
func Take(n int) (*Block, error) {
	if n < 1 || n > Max {
		return nil, fmt.Errorf("%d ports are wanted: a block has 1 to %d", n, Max)
	}
	for range tries {
		slot := rand.IntN((highest - lowest) / (Max + 1))
		b := &Block{first: lowest + slot*(Max+1) + 1, size: n}
		if b.take() {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no %d ports in a row are free between %d and %d", n, lowest, highest)
}

func (b *Block) take() bool {
	var err error
	if b.guard, err = net.Listen("tcp", at(b.first-1)); err != nil {
		return false
	}
	for i := range b.size {
		l, err := net.Listen("tcp", b.Address(i))
		if err != nil {
			b.Release()
			return false
		}
		l.Close()
	}
	return true
}

// Address returns the i-th port, from 0, as host:port.
func (b *Block) Address(i int) string {
	if i < 0 || i >= b.size {
		panic(fmt.Sprintf("ports: there is no port %d in a block of %d", i, b.size))
	}
	return at(b.first + i)
}

// Release lets others have the ports.
func (b *Block) Release() { b.guard.Close() }

func at(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
