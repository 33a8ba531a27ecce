package observe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apitypes "k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/plan"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Identity is what makes a network the one it is, and outlives its pods.
type Identity struct {
	Genesis   *genesis.Genesis       // nil: it is lost, or a network that is paused has none yet
	Authority types.PrivateKey       // zero: it is lost
	Keys      map[string]config.Keys // by validator; absent: lost, or not made yet
	Public    map[string]plan.Keys   // what each signs with, also where the keys are lost
	Departing []string               // validators that the spec has no more and that are not gone yet
	Waiting   []string               // validators of the spec that get their keys once the chain answers
	// Problems are what a person must put right. What ran before goes on.
	Problems []health.Problem
	Born     bool     // the network began just now
	Replaced []string // validators that just got new keys, having had others before
}

// Reasons of problems.
const (
	GenesisLost   = "GenesisLost"
	GenesisBad    = "GenesisBad"
	AuthorityLost = "AuthorityLost"
	KeysLost      = "KeysLost"
	KeysReplaced  = "KeysReplaced"
)

// Keeper makes an object that is created once, or returns the one that is there:
// apply.Applier.
type Keeper interface {
	Keep(ctx context.Context, n *v1alpha1.PosNetwork, want, live client.Object) (client.Object, error)
}

// Identities reads and makes the identities of networks. It is safe for
// concurrent use.
type Identities struct {
	keeper Keeper

	mu      sync.Mutex
	geneses map[apitypes.UID]*genesis.Genesis // as seen, so that a ConfigMap deleted by hand can be put back
}

// NewIdentities returns one that makes objects by a keeper.
func NewIdentities(k Keeper) *Identities {
	return &Identities{keeper: k, geneses: map[apitypes.UID]*genesis.Genesis{}}
}

// Forget drops what is remembered of a network that is gone.
func (is *Identities) Forget(network apitypes.UID) {
	is.mu.Lock()
	defer is.mu.Unlock()
	delete(is.geneses, network)
}

// Read returns the identity of a network. What is missing of one that is being
// born is made, unless the network is paused; what a running chain counts on is
// never made anew. counted are the validators that the chain counts; nil: it is
// not known. The error is the keeper's.
func (is *Identities) Read(ctx context.Context, n *v1alpha1.PosNetwork, c *Cluster, counted *message.Validators) (*Identity, error) {
	r := &reading{Identities: is, ctx: ctx, n: n, cluster: c, counted: counted, Identity: &Identity{
		Keys: map[string]config.Keys{}, Public: map[string]plan.Keys{},
	}}
	if err := r.readGenesis(); err != nil {
		return nil, err
	}
	r.findDeparting()
	for _, name := range append(plan.Names(&n.Spec), r.Departing...) {
		if err := r.readKeys(name); err != nil {
			return nil, err
		}
	}
	if err := r.readAuthority(); err != nil {
		return nil, err
	}
	return r.Identity, r.makeGenesis()
}

// reading is one call of Read.
type reading struct {
	*Identities
	*Identity
	ctx     context.Context
	n       *v1alpha1.PosNetwork
	cluster *Cluster
	counted *message.Validators
	newborn bool // there is no genesis yet, and nothing that would tell of one
}

func (r *reading) problem(reason, format string, args ...any) {
	r.Problems = append(r.Problems, health.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (r *reading) readGenesis() error {
	r.mu.Lock()
	remembered := r.geneses[r.n.UID]
	r.mu.Unlock()
	name := kube.GenesisName(r.n.Name)
	live, ok := r.cluster.Find(named(&corev1.ConfigMap{}, name)).(*corev1.ConfigMap)
	switch {
	case ok:
		g, err := kube.ReadGenesis(live)
		if err != nil {
			r.problem(GenesisBad, "%v: put back the one that the network started from", err)
			r.Genesis = remembered
			return nil
		}
		r.Genesis = g
		r.rememberGenesis(g)
	case remembered != nil:
		r.Genesis = remembered
	case len(r.cluster.StatefulSets) > 0 || len(r.cluster.Claims) > 0:
		r.problem(GenesisLost, "ConfigMap %s is gone, without which no pod of the network starts again: put it back, "+
			"or, to start a new chain, delete the network with its volume claims", name)
	default:
		r.newborn = true
	}
	return nil
}

func (r *reading) rememberGenesis(g *genesis.Genesis) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.geneses[r.n.UID] = g
}

// findDeparting finds those that run on until they have left the chain. Where a
// network of an earlier time comes back, these are also those that its genesis
// names and whose keys were kept: without them there may be no quorum.
func (r *reading) findDeparting() {
	wanted := plan.Names(&r.n.Spec)
	add := func(name string) {
		if !slices.Contains(wanted, name) && !slices.Contains(r.Departing, name) {
			r.Departing = append(r.Departing, name)
		}
	}
	for name := range r.cluster.StatefulSets {
		add(name)
	}
	if r.counted != nil {
		for _, v := range r.counted.Validators {
			if r.secret(v.Name) != nil {
				add(v.Name)
			}
		}
	} else if r.Genesis != nil && len(r.cluster.StatefulSets) == 0 {
		for _, v := range r.Genesis.Validators {
			if r.secret(v.Name) != nil {
				add(v.Name)
			}
		}
	}
	slices.Sort(r.Departing)
}

func (r *reading) secret(validator string) *corev1.Secret {
	s, _ := r.cluster.Find(named(&corev1.Secret{}, kube.KeysName(r.n.Name, validator))).(*corev1.Secret)
	return s
}

// readKeys reads a validator's keys, and makes some for one that never had any.
func (r *reading) readKeys(name string) error {
	known, isKnown := r.known(name)
	live := r.secret(name)
	if live == nil {
		return r.missingKeys(name, known, isKnown)
	}
	k, err := kube.ReadKeys(live)
	public := plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
	switch {
	case err != nil && !isKnown:
		r.problem(KeysLost, "%v: delete it, and validator %s gets new keys", err, name)
	case err != nil:
		r.problem(KeysLost, "%v: put back the keys with which validator %s signs (public key %s)", err, name, known.Sign)
		r.Public[name] = known
	case isKnown && known.Sign != public.Sign:
		r.problem(KeysReplaced, "Secret %s holds the key %s, and validator %s signs with %s: put that one back; to replace a validator's key, "+
			"remove the validator from the manifest, wait until it has left, delete the Secret and add the validator again", live.Name, public.Sign, name, known.Sign)
		r.Public[name] = known
	default:
		r.Keys[name], r.Public[name] = k, public
	}
	return nil
}

// known returns what is known of a validator's keys beside its Secret: from the
// chain; where that does not answer, from what the StatefulSet was made for; of
// one that has none, from the genesis.
func (r *reading) known(name string) (plan.Keys, bool) {
	if r.counted != nil {
		for _, v := range r.counted.Validators {
			if v.Name == name {
				return plan.Keys{Sign: v.Key, VRF: v.VRFKey}, true
			}
		}
	}
	if s := r.cluster.StatefulSets[name]; s != nil {
		var sign, vrf types.PublicKey
		if sign.UnmarshalText([]byte(s.Annotations[kube.AnnotationKey])) == nil && vrf.UnmarshalText([]byte(s.Annotations[kube.AnnotationVRFKey])) == nil {
			return plan.Keys{Sign: sign, VRF: vrf}, true
		}
	}
	if r.counted == nil && r.Genesis != nil && r.cluster.StatefulSets[name] == nil {
		for _, v := range r.Genesis.Validators {
			if v.Name == name && r.secret(name) == nil {
				return plan.Keys{Sign: v.Key, VRF: v.VRFKey}, true
			}
		}
	}
	return plan.Keys{}, false
}

func (r *reading) missingKeys(name string, known plan.Keys, isKnown bool) error {
	switch {
	case isKnown:
		r.Public[name] = known
		r.problem(KeysLost, "Secret %s is gone, and validator %s signs with its key %s: put it back from a backup, without which the pod does not start again; "+
			"or remove the validator from the manifest, wait until it has left, and add it again", kube.KeysName(r.n.Name, name), name, known.Sign)
		return nil
	case r.n.Spec.Paused, r.Genesis == nil && !r.newborn, slices.Contains(r.Departing, name):
		return nil
	case r.counted == nil && !r.newborn:
		// The chain may count one of this name, whose key a new one would not be.
		r.Waiting = append(r.Waiting, name)
		return nil
	}
	fresh := config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	kept, err := r.keeper.Keep(r.ctx, r.n, kube.KeysSecret(r.n, name, fresh), nil)
	if err != nil {
		return err
	}
	k, err := kube.ReadKeys(kept.(*corev1.Secret))
	if err != nil {
		return err
	}
	r.Keys[name], r.Public[name] = k, plan.Keys{Sign: k.Sign.Public(), VRF: k.VRF.Public()}
	if r.hadKeys(name, k) {
		r.Replaced = append(r.Replaced, name)
	}
	return nil
}

// hadKeys reports whether a validator of the name signed with other keys once:
// the genesis names them, or its volume is there.
func (r *reading) hadKeys(name string, now config.Keys) bool {
	named := r.Genesis != nil && slices.ContainsFunc(r.Genesis.Validators, func(v genesis.Validator) bool {
		return v.Name == name && v.Key != now.Sign.Public()
	})
	return named || r.cluster.Claims[name] != nil
}

func (r *reading) readAuthority() error {
	name := kube.AuthorityName(r.n.Name)
	object := r.cluster.Find(named(&corev1.Secret{}, name))
	if object == nil && r.newborn && !r.n.Spec.Paused {
		var err error
		if object, err = r.keeper.Keep(r.ctx, r.n, kube.AuthoritySecret(r.n, types.GenerateKey()), nil); err != nil {
			return err
		}
	}
	live, ok := object.(*corev1.Secret)
	if !ok {
		if r.Genesis != nil {
			r.problem(AuthorityLost, "Secret %s is gone, without which no stake can change: put it back from a backup (public key %s)", name, r.Genesis.Authority)
		}
		return nil
	}
	key, err := kube.ReadAuthority(live)
	if err == nil && r.Genesis != nil && key.Public() != r.Genesis.Authority {
		err = fmt.Errorf("Secret %s holds the key %s, and the network's authority is %s", name, key.Public(), r.Genesis.Authority)
	}
	if err != nil {
		r.problem(AuthorityLost, "%v: put back the right one, without which no stake can change", err)
		return nil
	}
	r.Authority = key
	return nil
}

// makeGenesis makes the genesis of a network that is being born. Whoever comes
// second, by a cache that is behind, takes on what is there.
func (r *reading) makeGenesis() error {
	if !r.newborn || r.n.Spec.Paused || r.Authority.Public().IsZero() {
		return nil
	}
	in := plan.Input{
		Name: r.n.Name, Spec: &r.n.Spec, Keys: r.Public, Sites: kube.Sites(r.n, r.signing()),
		Authority: r.Authority.Public(), Time: types.TimeOf(time.Now()),
	}
	rand.Read(in.Nonce[:]) // never fails: crypto/rand ends the program instead
	t, err := plan.New(in)
	if err != nil {
		return err
	}
	kept, err := r.keeper.Keep(r.ctx, r.n, kube.GenesisConfigMap(r.n, t.Genesis), nil)
	if err != nil {
		return err
	}
	m, ok := kept.(*corev1.ConfigMap)
	if !ok {
		return errors.New("the genesis is no ConfigMap")
	}
	if r.Genesis, err = kube.ReadGenesis(m); err != nil {
		return err
	}
	r.rememberGenesis(r.Genesis)
	r.Born = r.Genesis.Network() == t.Genesis.Network()
	return nil
}

// signing are the keys that the validators sign with.
func (i *Identity) signing() map[string]types.PublicKey {
	out := make(map[string]types.PublicKey, len(i.Public))
	for name, k := range i.Public {
		out[name] = k.Sign
	}
	return out
}

func named[T client.Object](o T, name string) T {
	o.SetName(name)
	return o
}
