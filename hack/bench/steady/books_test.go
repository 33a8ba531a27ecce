package steady

import (
	"slices"
	"testing"
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
	if funded := a.Funded(); len(funded) != 10 || funded[3].Account != a.keys[3].Public().String() {
		t.Errorf("funded are %v", funded)
	}
}
