// Package validity says which blocks may follow upon a chain: header, draw,
// records and what they do to the state. It is pure. The node judges proposed
// and fetched blocks by it, and whoever verifies a chain afterwards, so that
// there is one set of rules. What only a clock or a pool can tell, such as a
// time too far ahead, is left to the node.
package validity
