package kube

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/types/jsonfile"
)

// The files in the Secrets.
const (
	KeysFile      = "keys.json"      // a config.Keys
	AuthorityFile = "authority.json" // the authority's key, under "sign", as posnet up keeps it
)

type authority struct {
	Sign types.PrivateKey `json:"sign"`
}

// KeysSecret holds one validator's keys, so that no pod can read another's.
func KeysSecret(n *v1alpha1.PosNetwork, validator string, keys config.Keys) *corev1.Secret {
	return secret(n, KeysName(n.Name, validator), ValidatorLabels(n.Name, validator), KeysFile, keys.Encode(), keys.Sign.Public())
}

// AuthoritySecret holds the key that signs changes of stake, and beside it the
// genesis that names it: both are there or neither, and a genesis ConfigMap that
// somebody deletes can be put back. No pod mounts it.
func AuthoritySecret(n *v1alpha1.PosNetwork, key types.PrivateKey, g *genesis.Genesis) *corev1.Secret {
	data, err := json.MarshalIndent(authority{key}, "", "  ")
	if err != nil {
		panic("kube: cannot encode the authority's key: " + err.Error()) // it is plain
	}
	s := secret(n, AuthorityName(n.Name), NetworkLabels(n.Name), AuthorityFile, append(data, '\n'), key.Public())
	s.Data[GenesisFile] = g.Encode()
	return s
}

func secret(n *v1alpha1.PosNetwork, name string, labels map[string]string, file string, data []byte, key types.PublicKey) *corev1.Secret {
	m := keptMeta(n, name, labels)
	m.Annotations = map[string]string{AnnotationKey: key.String()}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: m,
		Type:       corev1.SecretTypeOpaque,
		Immutable:  ptr(true),
		Data:       map[string][]byte{file: data},
	}
}

// ReadKeys returns the keys that a validator's Secret holds. The error names the
// Secret and what is wrong with it, and shows nothing of what it holds.
func ReadKeys(s *corev1.Secret) (config.Keys, error) {
	var k config.Keys
	if err := readFile(s, KeysFile, &k); err != nil {
		return config.Keys{}, err
	}
	if k.Sign.Public().IsZero() || k.VRF.Public().IsZero() {
		return config.Keys{}, fmt.Errorf("the Secret %s: %s must hold \"sign\" and \"vrf\", 64 hex digits each", s.Name, KeysFile)
	}
	return k, checkKey(s, k.Sign.Public())
}

// ReadAuthority returns the key and the genesis that an authority's Secret holds;
// errors are as those of ReadKeys.
func ReadAuthority(s *corev1.Secret) (types.PrivateKey, *genesis.Genesis, error) {
	var a authority
	if err := readFile(s, AuthorityFile, &a); err != nil {
		return types.PrivateKey{}, nil, err
	}
	if a.Sign.Public().IsZero() {
		return types.PrivateKey{}, nil, fmt.Errorf("the Secret %s: %s must hold \"sign\", 64 hex digits", s.Name, AuthorityFile)
	}
	if err := checkKey(s, a.Sign.Public()); err != nil {
		return types.PrivateKey{}, nil, err
	}
	g, err := genesis.Parse(s.Data[GenesisFile])
	if err != nil {
		return types.PrivateKey{}, nil, fmt.Errorf("the Secret %s: %s: %w", s.Name, GenesisFile, err)
	}
	if g.Authority != a.Sign.Public() {
		return types.PrivateKey{}, nil, fmt.Errorf("the Secret %s holds the key %s, and a genesis whose authority is %s", s.Name, a.Sign.Public(), g.Authority)
	}
	return a.Sign, g, nil
}

func readFile(s *corev1.Secret, file string, into any) error {
	data, ok := s.Data[file]
	if !ok {
		return fmt.Errorf("the Secret %s has no %s", s.Name, file)
	}
	if err := jsonfile.Decode(data, into); err != nil {
		return fmt.Errorf("the Secret %s: %s: %w", s.Name, file, err)
	}
	return nil
}

// checkKey finds a Secret that was put together by hand of two others' parts.
func checkKey(s *corev1.Secret, key types.PublicKey) error {
	if told, ok := s.Annotations[AnnotationKey]; ok && told != key.String() {
		return fmt.Errorf("the Secret %s holds the key %s, and its annotation %s says %s", s.Name, key, AnnotationKey, told)
	}
	return nil
}
