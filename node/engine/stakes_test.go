package engine

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// changeStake changes, adds or removes (stake 0) the validator of a node.
func (w *network) changeStake(through, of int, stake uint64) {
	w.t.Helper()
	authority := seed("authority")
	account, err := w.nodes[through].Balance(w.t.Context(), types.KeyedAccount(authority.Public()))
	if err != nil {
		w.t.Fatal(err)
	}
	n := w.nodes[of]
	r := &types.Record{
		Type: types.StakeChange, Validator: n.key(), Name: n.config.Name, VRFKey: n.keys.VRF.Public(), Stake: stake,
		Nonce: account.Nonce, Time: types.TimeOf(time.Now()),
	}
	r.Sign(w.genesis.Network(), authority)
	if err := w.nodes[through].Merge(w.t.Context(), []*types.Record{r}); err != nil {
		w.t.Fatal(err)
	}
}

// validator is a validator as a node shows it, and the total stake.
func (w *network) validator(through int, key types.PublicKey) (message.Validator, uint64) {
	w.t.Helper()
	v, err := w.nodes[through].Validators(w.t.Context(), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(v.Validators, func(one message.Validator) bool { return one.Key == key })
	sorted := slices.IsSortedFunc(v.Validators, func(a, b message.Validator) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	if i < 0 || !sorted {
		w.t.Fatalf("it is not among the validators, or they are not in order: %+v", v)
	}
	return v.Validators[i], v.TotalStake
}

// checkHandovers follows the validators from genesis to now by what a node
// tells of them, and checks that it tells so many handovers.
func (w *network) checkHandovers(node, want int) {
	w.t.Helper()
	n, ctx := w.nodes[node], w.t.Context()
	list, err := n.Handovers(ctx, 1, 10)
	if err != nil || len(list) != want {
		w.t.Fatalf("%d handovers, want %d: %v", len(list), want, err)
	}
	set, err := w.genesis.ValidatorSet()
	if err != nil {
		w.t.Fatal(err)
	}
	for height := uint64(1); height <= n.Head()+1; height++ {
		told, err := n.Validators(ctx, height)
		if err != nil || told.Hash != set.Hash() || told.TotalStake != set.Total() || len(told.Validators) < set.Len() {
			w.t.Errorf("the validators of height %d are told as %+v, want %+v: %v", height, told, set.List(), err)
		}
		if len(list) > 0 && list[0].Header.Height == height {
			if set, err = list[0].Verify(w.genesis.Network(), set); err != nil {
				w.t.Fatal(err)
			}
			list = list[1:]
		}
	}
	if rest, err := n.Handovers(ctx, 1, 1); err != nil || len(rest) != 1 {
		w.t.Errorf("the first alone: %d, %v", len(rest), err)
	}
	var refused *message.Error
	if _, err := n.Validators(ctx, n.Head()+2); !errors.As(err, &refused) || refused.Status != message.StatusNotFound {
		w.t.Errorf("the validators after next: %v", err)
	}
}

// A validator joins, is needed for the quorum and drawn, and leaves again.
func TestValidatorComesAndGoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newNetwork(t, []uint64{25, 25, 25}, nil)
		n := w.addNode()
		for _, other := range w.nodes[:3] {
			n.knows(other)
		}
		w.start(3)
		w.grow(2, 0, 1, 2, 3)
		if w.nodes[0].Allowed(n.key()) {
			t.Error("a stranger may link")
		}
		w.changeStake(0, 3, 60)
		w.until("the record is in a block", func() bool { return w.nodes[0].PoolSize().Records == 0 && w.nodes[0].Head() == 3 })
		if !w.nodes[0].Allowed(n.key()) {
			t.Error("a validator of the height after next may not link")
		}
		if name := w.nodes[0].Name(n.key()); name != "v3" {
			t.Errorf("its name is %q", name)
		}
		row, total := w.validator(0, n.key())
		if row.Name != "v3" || row.Stake != 60 || row.EffectiveStake != 0 || row.DrawFrom < 16 || total != 75 {
			t.Errorf("before it counts it is shown as %+v, of %d", row, total)
		}
		w.grow(1, 0, 1, 2, 3)
		if row, total := w.validator(0, n.key()); row.Stake != 60 || row.EffectiveStake != 60 || total != 135 {
			t.Errorf("when it counts it is shown as %+v, of %d", row, total)
		}
		w.grow(1, 0, 1, 2, 3)
		w.until("it votes", func() bool { return w.status(3).Voting })
		if s := w.status(0); s.OnlineStake != 135 {
			t.Errorf("%d of stake are online", s.OnlineStake)
		}
		w.stop(2) // the rest are no quorum without it
		w.grow(1, 0, 1, 3)
		w.start(2)
		won := 0
		for range 60 {
			w.grow(1, 0, 1, 2, 3)
			if b, _, _ := w.nodes[0].Block(t.Context(), w.nodes[0].Head()); b.Header.Winner == n.key() {
				won++
			}
		}
		if won < 5 {
			t.Errorf("it won %d of 60 blocks with nearly half of the stake", won)
		}
		w.changeStake(1, 3, 0)
		w.grow(1, 0, 1, 2, 3)
		if row, _ := w.validator(0, n.key()); row.Stake != 0 || row.EffectiveStake != 60 {
			t.Errorf("while it leaves it is shown as %+v", row)
		}
		w.grow(2, 0, 1, 2, 3)
		w.stop(3)
		w.stop(2)
		w.start(2)
		w.grow(2, 0, 1, 2)
		if name := w.nodes[2].Name(n.key()); name != "v3" {
			t.Errorf("after a restart its name is %q", name)
		}
		if w.nodes[0].Allowed(n.key()) {
			t.Error("a validator that left may link")
		}
		w.checkHandovers(2, 2) // it has its chain from its disk
		w.checkHandovers(0, 2)
	})
}
