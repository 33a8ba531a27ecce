package linear_test

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// The model takes what a ledger may do, and nothing else.
func TestModelBites(t *testing.T) {
	a, b := account{0, 0}, account{0, 1}
	op := func(call, end int64, input, output any) porcupine.Operation {
		return porcupine.Operation{Input: input, Output: output, Call: call, Return: end}
	}
	paid := func(call, end int64, from account, nonce uint64) porcupine.Operation {
		return op(call, end, pay{from, nonce}, nil)
	}
	start, after := looked{funds, 0}, looked{funds - 1, 1}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"nothing":                              {nil, true},
		"a read during the payment sees it":    {[]porcupine.Operation{paid(0, 9, a, 0), op(3, 4, look{a}, after)}, true},
		"a read during the payment misses it":  {[]porcupine.Operation{paid(0, 9, a, 0), op(3, 4, look{a}, start)}, true},
		"a payment nobody was told of is seen": {[]porcupine.Operation{paid(0, forever, a, 0), op(30, 40, look{a}, after)}, true},
		"a payment nobody was told of is not":  {[]porcupine.Operation{paid(0, forever, a, 0), op(30, 40, look{a}, start)}, true},
		"the other side has it":                {[]porcupine.Operation{paid(0, 1, a, 0), op(2, 3, look{b}, looked{funds + 1, 0})}, true},
		"both pay each other":                  {[]porcupine.Operation{paid(0, 5, a, 0), paid(1, 4, b, 0), op(6, 7, look{a}, looked{funds, 1})}, true},

		"a stale read":                   {[]porcupine.Operation{paid(0, 1, a, 0), op(2, 3, look{a}, start)}, false},
		"a stale answer":                 {[]porcupine.Operation{paid(0, 1, a, 0), op(2, 3, ask{pay{a, 0}}, false)}, false},
		"seen, then unseen":              {[]porcupine.Operation{paid(0, 9, a, 0), op(1, 2, look{a}, after), op(3, 4, ask{pay{a, 0}}, false)}, false},
		"seen before it was sent":        {[]porcupine.Operation{op(0, 1, look{a}, after), paid(2, 3, a, 0)}, false},
		"paid twice":                     {[]porcupine.Operation{paid(0, 1, a, 0), op(2, 3, look{b}, looked{funds + 2, 0})}, false},
		"taken here and not given there": {[]porcupine.Operation{paid(0, 9, a, 0), op(1, 2, look{a}, after), op(3, 4, look{b}, looked{funds, 0})}, false},
		"out of turn":                    {[]porcupine.Operation{paid(0, 1, a, 1), paid(2, 3, a, 0)}, false},
	} {
		if got := porcupine.CheckOperations(model, c.history); got != c.want {
			t.Errorf("%s: the model says %v", name, got)
		}
	}
}
