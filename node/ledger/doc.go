// Package ledger is what a network owns and the rules by which blocks change
// it: state + block -> state. It is pure: it reads no clock, starts no
// goroutine, and nothing it returns depends on the order of a map.
//
// # Order of work
//
// A State is what stands after a block. Begin opens a Trial of the next block;
// Apply puts records into it one by one and refuses what is not valid; Finish
// does what a block does beside its records and gives a Delta; Commit makes the
// Delta the new State and returns the entries that changed, for the disk.
// Trials never change the State, and there may be several at a time.
//
// # Entries
//
// All of the state is a set of entries, a key and a value each. Integers are
// big-endian; sizes in bytes stand in brackets.
//
//	key                          value
//	"m"                          network[32] height[8] seed[32] minted[8]
//	"a" kind[1] number[32|16]    balance[8] nonce[8]; no entry when both are 0
//	"o" record id[32]            1[1]: this record of an open account was accepted
//	"v" 1[1]                     the validators of height+1: count[4], then each
//	                             as length[4] and canonical encoding, by key
//	"v" 2[1]                     the validators of height+2, likewise
//	"g" session[32]              host[32] balance[8] bpm[8] waiting[1] from[8] until[8]
//
// # Digest
//
// The digest is the root of a compact sparse Merkle trie. The path of an entry
// is the SHA-256 of its key, read as 256 bits from the highest of the first
// byte on. A trie of one entry is its leaf; a trie of more splits at the first
// bit, counted from 0, in which not all paths agree, into the trie of the
// entries with 0 there and that of the entries with 1.
//
//	leaf  = SHA-256(0x00 || path[32] || value)
//	inner = SHA-256(0x01 || bit[1] || root of the zeros[32] || root of the ones[32])
//
// The shape follows from the entries alone, not from the order in which they
// came. Without entries the root is 32 zero bytes, which no state is.
package ledger
