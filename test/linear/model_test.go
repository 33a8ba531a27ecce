package linear_test

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// funds is what each account has at the beginning: more than it can spend.
const funds = 1_000_000

// An account is one side of a pair: its owners pay each other and nobody else, so
// that each pair can be checked by itself.
type account struct{ pair, side int }

// pay is a transfer of one token to the other side, and returns once some node
// has called it committed.
type pay struct {
	from  account
	nonce uint64
}

// look reads an account.
type look struct{ at account }

// looked is what it saw.
type looked struct{ balance, nonce uint64 }

// ask asks whether a transfer is committed: the answer is a bool.
type ask struct{ about pay }

// purse is the state of a pair: what an honest ledger would say.
type purse struct{ balance, nonce [2]uint64 }

// model is the ledger that all histories are held against: one thing after
// another, each at some moment between its call and its return.
var model = porcupine.Model{
	Partition: byPair,
	Init: func() any {
		return purse{balance: [2]uint64{funds, funds}}
	},
	Step: func(state, input, output any) (bool, any) {
		s := state.(purse)
		switch in := input.(type) {
		case pay:
			return s.nonce[in.from.side] == in.nonce, s.paid(in.from.side)
		case look:
			return output == looked{s.balance[in.at.side], s.nonce[in.at.side]}, s
		case ask:
			return output == (s.nonce[in.about.from.side] > in.about.nonce), s
		}
		panic(fmt.Sprintf("the model knows no %T", input))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

func (s purse) paid(side int) purse {
	s.nonce[side]++
	s.balance[side]--
	s.balance[1-side]++
	return s
}

// pairOf returns the pair that an operation is about.
func pairOf(input any) int {
	switch in := input.(type) {
	case pay:
		return in.from.pair
	case look:
		return in.at.pair
	case ask:
		return in.about.from.pair
	}
	panic(fmt.Sprintf("the model knows no %T", input))
}

func byPair(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, pairs)
	for _, op := range history {
		parts[pairOf(op.Input)] = append(parts[pairOf(op.Input)], op)
	}
	return slices.DeleteFunc(parts, func(part []porcupine.Operation) bool { return len(part) == 0 })
}

func (a account) String() string { return fmt.Sprintf("%c%d", 'A'+a.side, a.pair) }

func (p pay) String() string { return fmt.Sprintf("%v pays, nonce %d", p.from, p.nonce) }

func (l look) String() string { return fmt.Sprintf("look at %v", l.at) }

func (l looked) String() string { return fmt.Sprintf("%d tokens, nonce %d", l.balance, l.nonce) }

func (a ask) String() string {
	return fmt.Sprintf("is nonce %d of %v committed", a.about.nonce, a.about.from)
}
