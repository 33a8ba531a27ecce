package lottery

import "math/bits"

// fenwick holds weights by index and finds, in logarithmic time, who holds a
// number (P. Fenwick, "A new data structure for cumulative frequency tables",
// 1994): a full order of many guests would be quadratic without it. Element
// i holds the sum of the i&-i weights that end with weight i-1.
type fenwick []uint64

func newFenwick(participants []Participant) fenwick {
	f := make(fenwick, len(participants)+1)
	for i, p := range participants {
		f[i+1] += p.Weight
		if up := i + 1 + lowBit(i+1); up < len(f) {
			f[up] += f[i+1]
		}
	}
	return f
}

// subtract takes weight from index i, which must have as much.
func (f fenwick) subtract(i int, weight uint64) {
	for i++; i < len(f); i += lowBit(i) {
		f[i] -= weight
	}
}

// find returns the least index with which the sum of weights exceeds number,
// which must be less than the sum of all.
func (f fenwick) find(number uint64) int {
	at := 0
	for step := 1 << (bits.Len(uint(len(f)-1)) - 1); step > 0; step >>= 1 {
		if next := at + step; next < len(f) && f[next] <= number {
			at = next
			number -= f[next]
		}
	}
	return at
}

func lowBit(i int) int { return i & -i }
