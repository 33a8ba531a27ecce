package manifest

import "slices"

// nearest returns the known name that a wrong one was probably meant to be:
// one at most two slips of the pen away, and not more than half of it; empty if
// there is none.
func nearest(wrong string, known []string) string {
	best, slips := "", min(2, len(wrong)/2)+1
	for _, name := range known {
		if d := distance(wrong, name); d < slips {
			best, slips = name, d
		}
	}
	return best
}

// distance is Levenshtein's: how many letters must be added, dropped or
// replaced to make b of a; here a change of case costs nothing.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if lower(a[i]) == lower(b[j]) {
				cost = 0
			}
			row[j+1] = min(before[j]+cost, before[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
