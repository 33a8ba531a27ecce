package kube_test

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/types"
)

const alice = head + "  validators: [{name: alice, stake: 1}]\n"

func TestNewRefuses(t *testing.T) {
	in := input(t, network(t, alice))
	in.Image = ""
	if _, err := kube.New(in); err == nil || !strings.Contains(err.Error(), "POSNET_IMAGE") {
		t.Errorf("without an image: %v", err)
	}
}

// What is lost is not made anew, and all else stays as it was.
func TestLostKeysHaveNoSecrets(t *testing.T) {
	in := input(t, network(t, alice))
	whole := len(objects(t, in).All())
	delete(in.Keys, "alice")
	in.Authority = types.PrivateKey{}
	o := objects(t, in)
	if o.Validators[0].Keys != nil || len(o.Kept) != 1 || len(o.All()) != whole-2 {
		t.Errorf("without keys and authority: %d of %d objects, %d kept", len(o.All()), whole, len(o.Kept))
	}
}

func TestSecretsReadBack(t *testing.T) {
	in := input(t, network(t, alice))
	o := objects(t, in)
	k, err := kube.ReadKeys(o.Validators[0].Keys)
	if err != nil || !reflect.DeepEqual(k, keys("alice")) {
		t.Errorf("keys: %v, error %v", k, err)
	}
	a, copied, err := kube.ReadAuthority(o.Kept[0].(*corev1.Secret))
	if err != nil || !reflect.DeepEqual(a, key("authority")) || copied.Network() != in.Genesis.Network() {
		t.Errorf("authority: %v, error %v", a, err)
	}
	g, err := kube.ReadGenesis(o.Kept[1].(*corev1.ConfigMap))
	if err != nil || g.Network() != in.Genesis.Network() {
		t.Errorf("genesis: %v, error %v", g, err)
	}
}

func TestBadSecrets(t *testing.T) {
	whole := string(keys("alice").Encode())
	secret := key("alice").Seed()
	for name, tt := range map[string]struct {
		file, text, annotation string
		want                   string
	}{
		"no file":      {"other", whole, "", "the Secret s has no keys.json"},
		"no JSON":      {kube.KeysFile, "hello", "", "the Secret s: keys.json: the file does not begin with {"},
		"a key lacks":  {kube.KeysFile, `{"sign": "` + strings.Repeat("ab", 32) + `"}`, "", `the Secret s: keys.json must hold "sign" and "vrf", 64 hex digits each`},
		"unknown":      {kube.KeysFile, strings.Replace(whole, "vrf", "verify", 1), "", `unknown field "verify"`},
		"another's":    {kube.KeysFile, whole, "00ff", "the Secret s holds the key " + key("alice").Public().String() + ", and its annotation posnet.dev/key says 00ff"},
		"half a digit": {kube.KeysFile, strings.Replace(whole, `"vrf": "`, `"vrf": "x`, 1), "", "private key of 65 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{tt.file: []byte(tt.text)}}
			if tt.annotation != "" {
				s.Annotations = map[string]string{kube.AnnotationKey: tt.annotation}
			}
			_, err := kube.ReadKeys(s)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), hex.EncodeToString(secret[:8])) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
	empty := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{kube.AuthorityFile: []byte("{}")}}
	if _, _, err := kube.ReadAuthority(empty); err == nil || !strings.Contains(err.Error(), `authority.json must hold "sign"`) {
		t.Errorf("an authority without a key: %v", err)
	}
}

func TestBadGenesis(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "the ConfigMap g has no genesis.json",
		`{"name":"alpha"}`: "the ConfigMap g: genesis.json: genesis: authority is missing",
	} {
		c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "g"}, Data: map[string]string{}}
		if text != "" {
			c.Data[kube.GenesisFile] = text
		}
		if _, err := kube.ReadGenesis(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %q: error %v, want one with %q", text, err, want)
		}
	}
}

// New peers start no node anew, and all else does.
func TestHashes(t *testing.T) {
	changed := func(change func(*config.Config)) *config.Config {
		c := *input(t, network(t, alice), "mallory").Topology.Nodes[0].Config
		change(&c)
		return &c
	}
	was := changed(func(*config.Config) {})
	for name, change := range map[string]func(*config.Config){
		"name":     func(c *config.Config) { c.Name = "bob" },
		"data":     func(c *config.Config) { c.DataDir = "/data/other" },
		"console":  func(c *config.Config) { c.Listen.Console = ":9090" },
		"rule":     func(c *config.Config) { c.Builder.When = "true" },
		"timeout":  func(c *config.Config) { c.Consensus.ProposeTimeout++ },
		"logLevel": func(c *config.Config) { c.LogLevel = "debug" },
	} {
		if now := changed(change); kube.ConfigHash(now) == kube.ConfigHash(was) || kube.PeersHash(now) != kube.PeersHash(was) {
			t.Errorf("after a change of %s: config %s, peers %s", name, kube.ConfigHash(now), kube.PeersHash(now))
		}
	}
	fewer := changed(func(c *config.Config) { c.Peers = nil })
	if kube.ConfigHash(fewer) != kube.ConfigHash(was) || kube.PeersHash(fewer) == kube.PeersHash(was) {
		t.Errorf("after a change of peers: config %s, peers %s", kube.ConfigHash(fewer), kube.PeersHash(fewer))
	}
}

func TestEndpoints(t *testing.T) {
	n := network(t, alice)
	if got, want := kube.Endpoints(n), (v1alpha1.Endpoints{API: "ws://alpha-api.games.svc:9000/ws", Explorer: "http://alpha-api.games.svc:9000/"}); got != want {
		t.Errorf("endpoints %+v, want %+v", got, want)
	}
	n.Spec.Console.Enabled = true
	if got := kube.Endpoints(n).Console; got != "alpha-api.games.svc:9090" {
		t.Errorf("the console is at %s", got)
	}
	if got := kube.NodeAddress(n, "alice"); got != "alpha-alice-0.alpha-nodes.games.svc:9000" {
		t.Errorf("the API of alice is at %s", got)
	}
}
