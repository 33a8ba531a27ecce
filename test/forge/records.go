package forge

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/posnet/posnet/node/types"
)

// Account is the keyed account of a name.
func Account(name string) types.Account { return types.KeyedAccount(Key(name).Public()) }

// OpenAccount is the open account of a name.
func OpenAccount(name string) types.Account {
	return types.OpenAccount(uuid.NewSHA1(uuid.Nil, []byte(name)))
}

// sign gives a record its time, its signer's next nonce and signature.
func (c *Chain) sign(signer string, r *types.Record) *types.Record {
	key := Key(signer)
	r.Nonce, r.Time = c.nonces[key.Public()], c.now()
	c.nonces[key.Public()]++
	return r.Sign(c.network, key)
}

// now is the time of a record for the next block.
func (c *Chain) now() types.Time { return c.Next.Head.Time.Add(time.Millisecond) }

// Pay is a signed transfer.
func (c *Chain) Pay(from, to string, amount uint64) *types.Record {
	return c.sign(from, &types.Record{Type: types.Transfer, Sender: Account(from), Receiver: Account(to), Amount: amount})
}

// Mint is a gift of the faucet, the n-th of its kind at its time.
func (c *Chain) Mint(to types.Account, amount uint64, n int) *types.Record {
	r := &types.Record{Type: types.Transfer, Time: c.now() + types.Time(n), Sender: types.Genesis, Receiver: to, Amount: amount}
	return r.Seal()
}

// Read is a reading of an open account.
func (c *Chain) Read(of string, bpm uint64) *types.Record {
	return (&types.Record{Type: types.Reading, Time: c.now(), Sender: OpenAccount(of), BPM: bpm}).Seal()
}

// Stake changes, adds or removes (stake 0) a validator.
func (c *Chain) Stake(name string, stake uint64) *types.Record {
	keys := KeysOf(name)
	c.names[keys.Sign.Public()] = name
	return c.sign("authority", &types.Record{
		Type: types.StakeChange, Validator: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Name: name, Stake: stake,
	})
}

// Enter brings a guest into the draw, or a new reading of it.
func (c *Chain) Enter(guest, host string, balance, bpm uint64) *types.Record {
	return c.sign(guest, &types.Record{Type: types.Entry, Session: Key(guest).Public(), Validator: Key(host).Public(), Amount: balance, BPM: bpm})
}

// GuestReading is the reading that a block won by a guest must hold.
func (c *Chain) GuestReading(guest string, bpm uint64) *types.Record {
	return c.sign(guest, &types.Record{Type: types.Reading, Sender: Account(guest), BPM: bpm})
}

// Leave takes a guest out of the draw.
func (c *Chain) Leave(guest string) *types.Record {
	return c.sign(guest, &types.Record{Type: types.Leave, Session: Key(guest).Public()})
}

func sorted(m map[string]uint64) []string { return slices.Sorted(maps.Keys(m)) }
