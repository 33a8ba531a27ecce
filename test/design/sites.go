package design

import (
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/test/ports"
)

// portsPerNode is one each for links, client API, console and metrics.
const portsPerNode = 4

// Ports is where the nodes of one run listen, all on 127.0.0.1.
type Ports struct {
	Block *ports.Block
	used  int
}

// TakePorts finds ports for the design's nodes, and for some that come later.
func (d *Design) TakePorts(later int) (*Ports, error) {
	b, err := ports.Take((len(d.Names()) + later) * portsPerNode)
	return &Ports{Block: b}, err
}

// Next is the site of the next node. Its console is on where the manifest has
// consoles.
func (p *Ports) Next(d *Design) plan.Site {
	at := func(i int) string { return p.Block.Address(p.used*portsPerNode + i) }
	s := plan.Site{Listen: config.Listen{P2P: at(0), API: at(1), Metrics: at(2)}, Dial: at(0), DataDir: "data"}
	if d.Spec.Console.Enabled {
		s.Listen.Console = at(3)
	}
	p.used++
	return s
}

// Sites gives every validator of the design its site.
func (p *Ports) Sites(d *Design) map[string]plan.Site {
	sites := map[string]plan.Site{}
	for _, name := range d.Names() {
		sites[name] = p.Next(d)
	}
	return sites
}
