package validity

import "fmt"

// Fault is the first rule that a block breaks.
type Fault struct {
	Height uint64 `json:"height"` // of the block
	// Where is the part of the block at fault, such as "header.state",
	// "records[3]" or "certificate".
	Where string `json:"where"`
	What  string `json:"what"` // the rule it breaks, one clause
	// Expected and Found are the two values that should be one; empty where the
	// rule is not about one value.
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
}

// Error returns all of it as one sentence.
func (f *Fault) Error() string {
	text := fmt.Sprintf("height %d: %s: %s", f.Height, f.Where, f.What)
	if f.Expected != "" || f.Found != "" {
		text += fmt.Sprintf(": expected %s, found %s", f.Expected, f.Found)
	}
	return text
}

// differ is a fault of a value that is another than it must be.
func differ(height uint64, where, what string, expected, found any) *Fault {
	return &Fault{Height: height, Where: where, What: what, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)}
}
