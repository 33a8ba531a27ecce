package ledger

import (
	"maps"
	"slices"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// naive is the ledger written down a second time, by the rules and with no
// thought of speed: it keeps every height's validators and copies everything
// before each record.
type naive struct {
	params  genesis.Params
	height  uint64 // of the block in the making
	winner  types.PublicKey
	read    bool
	minted  uint64
	balance map[types.Account]uint64
	nonce   map[types.PublicKey]uint64
	seen    map[types.Hash]bool
	sets    map[uint64]map[types.PublicKey]types.Validator // by height
	guests  map[types.PublicKey]naiveGuest
	before  map[types.PublicKey]naiveGuest // the guests after the parent
}

type naiveGuest struct {
	host          types.PublicKey
	balance, bpm  uint64
	waiting, left bool
	from, until   uint64
}

func newNaive(g *genesis.Genesis) *naive {
	n := &naive{
		params: g.Params, height: 1,
		balance: map[types.Account]uint64{}, nonce: map[types.PublicKey]uint64{}, seen: map[types.Hash]bool{},
		sets: map[uint64]map[types.PublicKey]types.Validator{1: {}, 2: {}, 3: {}}, guests: map[types.PublicKey]naiveGuest{},
	}
	for _, v := range g.Validators {
		for h := range n.sets {
			n.sets[h][v.Key] = types.Validator{Name: v.Name, Key: v.Key, VRFKey: v.VRFKey, Stake: v.Stake, DrawFrom: 1}
		}
	}
	for _, a := range g.Accounts {
		n.balance[a.Account] = a.Balance
		n.minted += a.Balance
	}
	return n
}

func (n *naive) copy() *naive {
	c := *n
	c.balance, c.nonce, c.seen = maps.Clone(n.balance), maps.Clone(n.nonce), maps.Clone(n.seen)
	c.guests = maps.Clone(n.guests)
	c.sets = map[uint64]map[types.PublicKey]types.Validator{}
	for h, set := range n.sets {
		c.sets[h] = maps.Clone(set)
	}
	return &c
}

func (n *naive) begin(winner types.PublicKey) {
	n.winner, n.read, n.before = winner, false, maps.Clone(n.guests)
}

// What becomes of a record.
const (
	taken     = "taken"
	waits     = "waits"
	refused   = "refused"
	forbidden = "forbidden"
)

// apply changes n only if the record is taken.
func (n *naive) apply(r *types.Record, authority types.PublicKey) string {
	c := n.copy()
	what := c.try(r, authority)
	if what == taken {
		*n = *c
	}
	return what
}

func (n *naive) try(r *types.Record, authority types.PublicKey) string {
	signer, signed := r.Signer(authority)
	switch {
	case signed && r.Nonce < n.nonce[signer]:
		return refused
	case signed && r.Nonce > n.nonce[signer]:
		return waits
	case !signed && r.Sender != types.Genesis && !n.params.OpenAccounts:
		return forbidden
	case !signed && n.seen[r.ID()]:
		return refused
	}
	if signed {
		n.nonce[signer]++
	} else {
		n.seen[r.ID()] = true
	}
	switch r.Type {
	case types.Transfer:
		return n.transfer(r)
	case types.Reading:
		return n.reading(r)
	case types.StakeChange:
		return n.stake(r)
	case types.Entry:
		return n.entry(r)
	}
	return n.leave(r.Session)
}

func (n *naive) transfer(r *types.Record) string {
	if r.Receiver.Kind == types.Open && !n.params.OpenAccounts {
		return forbidden
	}
	if r.Sender != types.Genesis {
		if n.balance[r.Sender] < r.Amount {
			return refused
		}
		n.balance[r.Sender] -= r.Amount
		n.balance[r.Receiver] += r.Amount
		return taken
	}
	if !n.params.Faucet || r.Amount > n.params.FaucetMax {
		return forbidden
	}
	if n.minted+r.Amount > types.MaxAmount {
		return refused
	}
	n.minted += r.Amount
	n.balance[r.Receiver] += r.Amount
	return taken
}

func (n *naive) reading(r *types.Record) string {
	author, isKey := r.Sender.Key()
	g, isGuest := n.guests[author]
	if !isKey || !isGuest {
		return taken
	}
	if author != n.winner || n.read || !n.before[author].waiting && !n.guests[author].waiting {
		return refused
	}
	n.read = true
	g.waiting = false
	n.guests[author] = g
	return taken
}

func (n *naive) stake(r *types.Record) string {
	set := n.sets[n.height+2]
	old, known := set[r.Validator]
	switch {
	case !known && r.Stake == 0, known && (old.Name != r.Name || old.VRFKey != r.VRFKey):
		return refused
	case !known:
		if _, guest := n.guests[r.Validator]; guest {
			return refused
		}
		set[r.Validator] = types.Validator{Name: r.Name, Key: r.Validator, VRFKey: r.VRFKey, Stake: r.Stake, DrawFrom: n.height + 16}
	case r.Stake == 0:
		delete(set, r.Validator)
		for session, g := range n.guests {
			if g.host == r.Validator && !g.left {
				n.leave(session)
			}
		}
	default:
		old.Stake = r.Stake
		set[r.Validator] = old
	}
	if _, err := types.NewValidatorSet(slices.Collect(maps.Values(set))); err != nil {
		return refused
	}
	return taken
}

func (n *naive) entry(r *types.Record) string {
	if !n.params.Guests || r.Amount > n.params.MaxGuestWeight {
		return forbidden
	}
	g, known := n.guests[r.Session]
	if known {
		if g.left || g.host != r.Validator || g.balance != r.Amount {
			return refused
		}
		g.bpm, g.waiting = r.BPM, true
		n.guests[r.Session] = g
		return taken
	}
	staying := 0
	for _, g := range n.guests {
		if !g.left {
			staying++
		}
	}
	_, validator := n.sets[n.height+2][r.Session]
	_, host := n.sets[n.height+2][r.Validator]
	if validator || !host || staying >= int(n.params.MaxGuests) {
		return refused
	}
	n.guests[r.Session] = naiveGuest{host: r.Validator, balance: r.Amount, bpm: r.BPM, waiting: true, from: n.height + 2}
	return taken
}

func (n *naive) leave(session types.PublicKey) string {
	g, known := n.guests[session]
	if !known || g.left {
		return refused
	}
	g.left, g.waiting, g.until = true, false, n.height+2
	n.guests[session] = g
	if g.from >= g.until {
		delete(n.guests, session)
	}
	return taken
}

// participants are those of the block in the making, by the id with the weight.
func (n *naive) participants() map[types.PublicKey]Participant {
	in := map[types.PublicKey]Participant{}
	for _, v := range n.sets[n.height] {
		if v.DrawFrom <= n.height {
			in[v.Key] = Participant{ID: v.Key, Weight: v.Stake, Host: v.Key}
		}
	}
	if len(in) == 0 {
		for _, v := range n.sets[n.height] {
			in[v.Key] = Participant{ID: v.Key, Weight: v.Stake, Host: v.Key}
		}
	}
	for session, g := range n.guests {
		if g.from <= n.height && !(g.left && n.height >= g.until) {
			in[session] = Participant{ID: session, Weight: g.balance, Host: g.host, Guest: true}
		}
	}
	return in
}

// finish reports whether the block is valid, and if so begins the next.
func (n *naive) finish(participants map[types.PublicKey]Participant) bool {
	p, in := participants[n.winner]
	if !in || p.Guest && !n.read {
		return false
	}
	if n.minted+n.params.BlockReward <= types.MaxAmount {
		n.minted += n.params.BlockReward
		n.balance[types.KeyedAccount(n.winner)] += n.params.BlockReward
	}
	n.height++
	n.sets[n.height+2] = maps.Clone(n.sets[n.height+1])
	for session, g := range n.guests {
		if g.left && n.height >= g.until {
			delete(n.guests, session)
		}
	}
	return true
}
