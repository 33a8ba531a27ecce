package kube

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/node/genesis"
)

// The files in the ConfigMaps.
const (
	GenesisFile = "genesis.json" // a genesis.Genesis
	ConfigFile  = "config.json"  // a config.Config
)

// GenesisConfigMap is what all nodes start from. It never changes: its hash is
// the network's id.
func GenesisConfigMap(n *v1alpha1.PosNetwork, g *genesis.Genesis) *corev1.ConfigMap {
	c := configMap(keptMeta(n, GenesisName(n.Name), NetworkLabels(n.Name)), GenesisFile, g.Encode())
	c.Immutable = ptr(true)
	return c
}

// nodeConfigMap is one node's own config. It changes while the node runs, when
// peers come and go.
func nodeConfigMap(n *v1alpha1.PosNetwork, node plan.Node) *corev1.ConfigMap {
	return configMap(meta(n, ConfigName(n.Name, node.Name), ValidatorLabels(n.Name, node.Name)), ConfigFile, node.Config.Encode())
}

func configMap(m metav1.ObjectMeta, file string, data []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: m,
		Data:       map[string]string{file: string(data)},
	}
}

// ReadGenesis returns the genesis that a ConfigMap holds. The error names the
// ConfigMap and what is wrong with it.
func ReadGenesis(c *corev1.ConfigMap) (*genesis.Genesis, error) {
	text, ok := c.Data[GenesisFile]
	if !ok {
		return nil, fmt.Errorf("the ConfigMap %s has no %s", c.Name, GenesisFile)
	}
	g, err := genesis.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the ConfigMap %s: %s: %w", c.Name, GenesisFile, err)
	}
	return g, nil
}
