package node

import (
	"context"
	"strings"
	"time"

	"github.com/posnet/posnet/node/config"
)

// rereadInterval is how often the config file is read again: a new validator is
// dialed within seconds, and twenty kilobytes each time cost nothing. The file
// is polled, because a volume of Kubernetes changes by links that change places,
// which not every watch of files sees.
const rereadInterval = 2 * time.Second

// SetPeers has the node link with these peers from now on, in place of those of
// its config: p2p.Mesh.SetPeers says how. The error says which peer is wrong:
// then nothing has changed.
func (n *Node) SetPeers(list []config.Peer) error { return n.mesh.SetPeers(peers(list)) }

// follow keeps the node's peers those of its config file until the node stops.
func (n *Node) follow(file *config.File) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	n.opened(func() error {
		cancel()
		<-ended
		return nil
	})
	go func() {
		defer close(ended)
		tick := time.NewTicker(rereadInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				n.reload(file)
			}
		}
	}()
}

// reload takes on the peers of a config file that has changed. The log tells of
// one that is broken, which changes nothing, and of changes that need a restart.
func (n *Node) reload(file *config.File) {
	now, err := file.Reread()
	if err == nil && now != nil {
		err = n.SetPeers(now.Peers)
	}
	if err != nil {
		n.log.Error("the config file has changed and is wrong: the node goes on as before", "error", err)
		return
	}
	if now == nil {
		return
	}
	n.log.Info("the config file has changed: the node links with the peers that it names now", "peers", len(now.Peers))
	if fields := file.Lasting(now); len(fields) > 0 {
		n.log.Warn("the config file has changed in more than its peers: for the rest the node must be restarted", "fields", strings.Join(fields, ", "))
	}
}
