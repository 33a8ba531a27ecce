package steady

import (
	"slices"
	"testing"

	"github.com/posnet/posnet/node/types"
)

func TestBalances(t *testing.T) {
	a := NewAccounts(10)
	paid := make([]uint64, 10)
	paid[3] = 5
	got := a.balances(paid)
	want := slices.Repeat([]uint64{startBalance}, 10)
	want[3] -= 5
	want[a.receiver(3)] += 5
	if !slices.Equal(got, want) || a.receiver(3) == 3 {
		t.Errorf("balances are %v, want %v", got, want)
	}
	others := NewPayers(10, func(record int) types.Account { return a.address(record % 10) })
	if got := others.balances(paid); got[3] != startBalance-5 || got[a.receiver(3)] != startBalance {
		t.Errorf("payers have %v", got)
	}
	if others.payee(3, 14) != a.address(4) || a.payee(3, 14) != a.address(a.receiver(3)) {
		t.Error("the wrong ones are paid")
	}
	if funded := a.Funded(); len(funded) != 10 || funded[3].Account != a.keys[3].Public().String() {
		t.Errorf("funded are %v", funded)
	}
}
