// Package lottery decides who wins which block, and judges whether it does so
// fairly. It is pure: the same beacon and the same stakes give the same draw
// everywhere, and nothing is read but the arguments.
//
// # The beacon
//
// Integers are big-endian and of fixed width; || joins bytes; the domains are
// the ASCII strings below, with no terminator.
//
//	genesis seed  = SHA-256("posnet/genesis-seed/v1" || nonce[32] || count[4] || VRF keys[32 each], ascending)
//	alpha(h)      = "posnet/vrf/v1" || seed(h)[32] || h[8]
//	proof(h)      = ECVRF-EDWARDS25519-SHA512-ELL2 (RFC 9381, suite 4) over alpha(h), 80 bytes
//	seed(h+1)     = SHA-256("posnet/seed/v1" || seed(h)[32] || h[8] || output of proof(h)[64])
//
// # The draw
//
// The participants stand in ascending order of their ids. Round r draws from
// the total T of the weights of those not drawn yet:
//
//	digest(c) = SHA-256("posnet/draw/v1" || seed[32] || height[8] || r[4] || c[4])    for c = 0, 1, 2, …
//	number(c) = the first 8 bytes of digest(c), shifted right until it has as many bits as T-1
//
// The first number(c) below T is the one drawn. Whoever holds it is the round's
// winner: the first participant, among those not drawn yet, with whom the sum
// of weights exceeds the number. Every number from 0 to T-1 is equally likely,
// so a participant is drawn with probability exactly weight / T.
package lottery
