package forge

import (
	"fmt"

	"github.com/posnet/posnet/node/types"
)

// LivelyBlocks is how many blocks Lively makes.
const LivelyBlocks = 40

// Lively makes a chain that has something of all there is: records of every
// type, blocks without any, later rounds, certificates of a bare quorum and of
// later rounds, validators that come, change and go, and a guest that wins.
func Lively() *Chain { return lively(true) }

// Guestless makes the same without guests, in a network that takes none.
func Guestless() *Chain { return lively(false) }

func lively(guests bool) *Chain {
	g := Genesis(map[string]uint64{"alice": 30, "bob": 27, "carol": 23, "dave": 20}, "anna", "ben", "cleo")
	g.Params.Guests = guests
	c := New(g)
	for height := 1; height <= LivelyBlocks; height++ {
		c.lively(height)
	}
	return c
}

func (c *Chain) lively(height int) {
	var records []*types.Record
	if height%5 != 0 {
		records = append(records, c.Pay("anna", "ben", uint64(height)), c.Mint(Account("cleo"), 5, 0), c.Mint(OpenAccount("class"), 7, 1))
	}
	guests := c.Genesis.Params.Guests
	switch height {
	case 3:
		records = append(records, c.Read("class", 66))
		if guests {
			records = append(records, c.Enter("guest", "bob", 60, 70))
		}
	case 6:
		records = append(records, c.Stake("erin", 25))
	case 12:
		records = append(records, c.Stake("dave", 0), c.Stake("alice", 45))
	case 20:
		records = append(records, c.Stake("bob", 30))
	case 30:
		if guests {
			records = append(records, c.Leave("guest"))
		}
	}
	plan := Plan{}
	switch {
	case height%7 == 0:
		plan.Round = 1
	case height%11 == 0:
		plan.Voted = 2
	}
	switch winner, proposer := c.Next.Turn(plan.Round); {
	case winner == proposer:
	case height < 30: // a guest: its reading, and the next one
		bpm := uint64(60 + height)
		records = append(records, c.GuestReading("guest", bpm), c.Enter("guest", "bob", 60, bpm+1))
	default: // a guest that plays no more is passed over
		plan.Round++
	}
	c.AddAs(plan, records...)
}

// Busy makes a chain of blocks with as many signed transfers each, between
// people enough that it looks like a busy network.
func Busy(blocks, records int) *Chain {
	const crowd = 1000
	people := make([]string, crowd)
	for i := range people {
		people[i] = fmt.Sprint("person ", i)
	}
	c := New(Genesis(map[string]uint64{"alice": 30, "bob": 27, "carol": 23, "dave": 20}, people...))
	at := 0
	for range blocks {
		list := make([]*types.Record, records)
		for i := range list {
			list[i] = c.Pay(people[at%crowd], people[(at*7+1)%crowd], 1)
			at++
		}
		c.Add(list...)
	}
	return c
}
