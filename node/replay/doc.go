// Package replay recomputes a chain from its genesis, or as far as that goes from a
// later height, block by block, believing nobody: what the validators should have
// computed, and whether they did. It is pure. The work comes in four steps, so that
// whoever drives it can use all cores for the dear ones:
//
//	Open          a block by itself: records, root, signatures    on any goroutine
//	Chain.Add     it follows upon the chain; its records apply    in order
//	Step.Verify   its beacon proof and its certificate            on any goroutine
//	Tally.Add     counts, and the lottery's audit                 in order
//
// A block is valid when all that came before it, and its own four steps, are.
// Every error is a *validity.Fault.
package replay
