package observe

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
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
	Genesis   *genesis.Genesis       // nil: it is lost, or there is none yet
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

// Identify returns the identity of a network. What is missing of one that is
// being born is made, unless the network is paused; what a running chain counts
// on is never made anew. counted are the validators that the chain counts; nil:
// it is not known. The error is the keeper's.
func Identify(ctx context.Context, keeper Keeper, n *v1alpha1.PosNetwork, c *Cluster, counted *message.Validators) (*Identity, error) {
	r := &reading{keeper: keeper, n: n, cluster: c, counted: counted, Identity: &Identity{
		Keys: map[string]config.Keys{}, Public: map[string]plan.Keys{},
	}}
	r.readGenesis()
	r.findDeparting()
	for _, name := range append(plan.Names(&n.Spec), r.Departing...) {
		if err := r.readKeys(ctx, name); err != nil {
			return nil, err
		}
	}
	return r.Identity, r.beBorn(ctx)
}

// reading is one call of Identify.
type reading struct {
	*Identity
	keeper  Keeper
	n       *v1alpha1.PosNetwork
	cluster *Cluster
	counted *message.Validators
	newborn bool // there is no genesis yet, and nothing that would tell of one
}

func (r *reading) problem(reason, format string, args ...any) {
	r.Problems = append(r.Problems, health.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// readGenesis reads the genesis and the authority's key. The genesis is there
// twice: in a ConfigMap for the nodes, and beside the key.
func (r *reading) readGenesis() {
	secret, hasSecret := r.cluster.Find(named(&corev1.Secret{}, kube.AuthorityName(r.n.Name))).(*corev1.Secret)
	shown, isShown := r.cluster.Find(named(&corev1.ConfigMap{}, kube.GenesisName(r.n.Name))).(*corev1.ConfigMap)
	var err error
	switch {
	case hasSecret:
		if r.Authority, r.Genesis, err = kube.ReadAuthority(secret); err != nil {
			r.problem(AuthorityLost, "%v: put back the right one, without which no stake can change", err)
		}
	case isShown:
		r.problem(AuthorityLost, "the Secret %s is gone, without which no stake can change: put it back from a backup", kube.AuthorityName(r.n.Name))
	case len(r.cluster.StatefulSets) > 0 || len(r.cluster.Claims) > 0:
		r.problem(GenesisLost, "the Secret %s and the ConfigMap %s are gone, without which no pod of the network starts again: put them back from a backup, "+
			"or, to start a new chain, delete the network and its volume claims", kube.AuthorityName(r.n.Name), kube.GenesisName(r.n.Name))
	default:
		r.newborn = true
	}
	if isShown {
		r.compareGenesis(shown)
	}
}

// compareGenesis holds the genesis that the nodes are shown beside the one that
// was kept, and goes by it where there is none.
func (r *reading) compareGenesis(shown *corev1.ConfigMap) {
	g, err := kube.ReadGenesis(shown)
	switch {
	case err != nil:
		r.problem(GenesisBad, "%v: delete it, and it is put back", err)
	case r.Genesis == nil:
		r.Genesis = g
	case r.Genesis.Network() != g.Network():
		r.problem(GenesisBad, "the ConfigMap %s holds another genesis than the network began with: delete it, and it is put back", shown.Name)
	}
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
func (r *reading) readKeys(ctx context.Context, name string) error {
	known, isKnown := r.known(name)
	live := r.secret(name)
	if live == nil {
		return r.missingKeys(ctx, name, known, isKnown)
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
		r.problem(KeysReplaced, "the Secret %s holds the key %s, and validator %s signs with %s: put that one back; to replace a validator's key, "+
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

func (r *reading) missingKeys(ctx context.Context, name string, known plan.Keys, isKnown bool) error {
	switch {
	case isKnown:
		r.Public[name] = known
		r.problem(KeysLost, "the Secret %s is gone, and validator %s signs with its key %s: put it back from a backup, without which the pod does not start again; "+
			"or remove the validator from the manifest, wait until it has left, and add it again", kube.KeysName(r.n.Name, name), name, known.Sign)
		return nil
	case r.n.Spec.Paused, r.Genesis == nil && !r.newborn, slices.Contains(r.Departing, name):
		return nil // there is nothing to make keys for
	case r.counted == nil && !r.newborn:
		// The chain may count one of this name, whose key a new one would not be.
		r.Waiting = append(r.Waiting, name)
		return nil
	}
	fresh := config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	kept, err := r.keeper.Keep(ctx, r.n, kube.KeysSecret(r.n, name, fresh), nil)
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

// beBorn makes the authority's key and the genesis of a network that begins.
// Whoever comes second, by a cache that is behind, takes on what is there. The
// genesis reaches the nodes with all else that is planned.
func (r *reading) beBorn(ctx context.Context) error {
	if !r.newborn || r.n.Spec.Paused || len(r.Problems) > 0 {
		return nil
	}
	authority := types.GenerateKey()
	in := plan.Input{
		Name: r.n.Name, Spec: &r.n.Spec, Keys: r.Public, Sites: kube.Sites(r.n, r.signing()),
		Authority: authority.Public(), Time: types.TimeOf(time.Now()),
	}
	rand.Read(in.Nonce[:]) // never fails: crypto/rand ends the program instead
	t, err := plan.New(in)
	if err != nil {
		return err
	}
	kept, err := r.keeper.Keep(ctx, r.n, kube.AuthoritySecret(r.n, authority, t.Genesis), nil)
	if err != nil {
		return err
	}
	if r.Authority, r.Genesis, err = kube.ReadAuthority(kept.(*corev1.Secret)); err != nil {
		return err
	}
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
