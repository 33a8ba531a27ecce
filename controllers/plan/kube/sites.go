package kube

import (
	"strconv"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

// The ports of every node, the same in each pod.
const (
	PortAPI     = 9000
	PortConsole = 9090 // where the console is enabled
	PortP2P     = 9100
	PortMetrics = 9464
)

// folderDigits of a validator's public key name its data folder: 64 bits, which
// no two keys that one volume sees have in common.
const folderDigits = 16

// Sites are where the nodes of a network live in a cluster, for plan.New: by
// the names of keys, which are the validators' public signing keys. A validator
// that got a new key starts in a fresh folder of the same volume: what another
// key signed there is none of its business.
func Sites(n *v1alpha1.PosNetwork, keys map[string]types.PublicKey) map[string]plan.Site {
	listen := config.Listen{P2P: port(PortP2P), API: port(PortAPI), Metrics: port(PortMetrics)}
	if n.Spec.Console.Enabled {
		listen.Console = port(PortConsole)
	}
	sites := make(map[string]plan.Site, len(keys))
	for name, key := range keys {
		sites[name] = plan.Site{
			Listen:  listen,
			Dial:    podHost(n, name) + port(PortP2P),
			DataDir: dataPath + "/" + key.String()[:folderDigits],
		}
	}
	return sites
}

// NodeAddress is the host:port of a validator's client API within the cluster.
func NodeAddress(n *v1alpha1.PosNetwork, validator string) string {
	return podHost(n, validator) + port(PortAPI)
}

// Endpoints are the addresses by which a network is reached within the cluster.
func Endpoints(n *v1alpha1.PosNetwork) v1alpha1.Endpoints {
	host := APIName(n.Name) + "." + n.Namespace + ".svc"
	e := v1alpha1.Endpoints{
		API:      "ws://" + host + port(PortAPI) + "/ws",
		Explorer: "http://" + host + port(PortAPI) + "/",
	}
	if n.Spec.Console.Enabled {
		e.Console = host + port(PortConsole)
	}
	return e
}

func port(number int) string { return ":" + strconv.Itoa(number) }
