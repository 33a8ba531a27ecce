package engine

import (
	"bytes"
	"context"
	"slices"

	"github.com/posnet/posnet/node/fairness"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

func params(p genesis.Params) message.Params {
	return message.Params{
		OpenAccounts: p.OpenAccounts, BlockReward: p.BlockReward, Faucet: p.Faucet, FaucetMax: p.FaucetMax,
		Guests: p.Guests, MaxGuests: p.MaxGuests, MaxGuestBalance: p.MaxGuestWeight,
	}
}

// Validators returns the validators of a height, and how they are now; of the
// height under way also those that join with the height after.
func (e *Engine) Validators(ctx context.Context, height uint64) (message.Validators, error) {
	if height == 0 {
		height = e.Head() + 1
	}
	set, err := e.ValidatorSet(ctx, height)
	if err != nil {
		return message.Validators{}, err
	}
	online, report := e.online(), e.audit.report()
	tallies := map[[32]byte]lottery.Tally{}
	for _, t := range report.Participants {
		tallies[t.ID] = t
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	newest := e.chain.next.Following
	list := set.List()
	if height == e.chain.next.Height {
		for _, v := range newest.List() {
			if _, counts := set.Find(v.Key); !counts {
				v.Stake = 0 // it joins with the height after
				list = append(list, v)
			}
		}
	}
	slices.SortFunc(list, func(a, b types.Validator) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	out := message.Validators{Height: height, Hash: set.Hash(), TotalStake: set.Total(), Validators: []message.Validator{}}
	guests := map[types.PublicKey]int{}
	for _, p := range e.chain.next.Participants {
		if p.Guest {
			guests[p.Host]++
		}
	}
	for _, v := range list {
		t := tallies[v.Key]
		row := message.Validator{
			Name: v.Name, Key: v.Key, VRFKey: v.VRFKey, EffectiveStake: v.Stake, DrawFrom: v.DrawFrom, Online: online[v.Key],
			Drawn: t.Observed, Won: t.Won, Missed: t.Missed, Guests: guests[v.Key], Height: e.chain.head.Height,
		}
		if later, ok := newest.ByKey(v.Key); ok {
			row.Stake = later.Stake
		}
		if v.Key != e.self {
			row.Height = e.peers.height(v.Key)
		}
		out.Validators = append(out.Validators, row)
	}
	return out, nil
}

// Draw returns the lottery of a height.
func (e *Engine) Draw(ctx context.Context, height uint64, limit int) (message.Draw, error) {
	e.mu.RLock()
	next, list, seed := e.chain.head.Height+1, e.chain.next.Participants, e.chain.next.Seed
	e.mu.RUnlock()
	if height == 0 {
		height = next
	}
	if height > next {
		return message.Draw{}, message.Errorf(message.StatusNotFound, "the draw of height %d is not known yet: the newest known is that of height %d", height, next)
	}
	var info *heights.Info
	if height < next {
		i, err := e.history.info(height)
		if err != nil {
			return message.Draw{}, err
		}
		if list, err = e.history.participants(i.Participants); err != nil {
			return message.Draw{}, err
		}
		info, seed = &i, i.Seed
	}
	out, err := e.draw(height, seed, list, limit)
	if err != nil || info == nil {
		return out, err
	}
	winner := e.winner(height, info)
	out.Winner = &winner
	b, _, err := e.Block(ctx, height)
	if err == nil {
		out.Proof = b.Header.Proof[:]
	}
	return out, err
}

func (e *Engine) draw(height uint64, seed lottery.Seed, list []ledger.Participant, limit int) (message.Draw, error) {
	d, err := lottery.NewDraw(seed, height, validity.InDraw(list))
	if err != nil {
		return message.Draw{}, err
	}
	out := message.Draw{Height: height, Seed: types.Hash(seed), Proof: message.Hex{}, Participants: []message.Participant{}, Order: []message.Turn{}}
	hosts := map[types.PublicKey]types.PublicKey{}
	for _, p := range list {
		hosts[p.ID] = p.Host
		row := message.Participant{Key: p.ID, Name: e.Name(p.Host), Weight: p.Weight}
		if p.Guest {
			row.Host = &p.Host
		}
		out.Participants = append(out.Participants, row)
		out.TotalWeight += p.Weight
	}
	for round := range min(limit, d.Len()) {
		key := types.PublicKey(d.At(uint32(round)))
		out.Order = append(out.Order, message.Turn{Round: uint32(round), Key: key, Name: e.Name(hosts[key]), Proposer: hosts[key]})
	}
	return out, nil
}

// Fairness returns the judgment over the draws of all heights that this node
// has had since it started.
func (e *Engine) Fairness(context.Context) (message.Fairness, error) {
	report, from := e.audit.reportFrom()
	out := fairness.Show(report, e.Name)
	out.From = from
	return out, nil
}
