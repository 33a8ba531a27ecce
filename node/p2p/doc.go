// Package p2p keeps the links between the validators of a network.
//
// Each pair of validators has two websocket links: the vote link carries
// agreement, the bulk link everything that is large or can wait, so that bulk
// never delays a vote. Both ends of a link prove that they hold the key they
// name, over fresh challenges, before a message passes.
//
// # On the wire
//
// A link is a websocket at ws://HOST:PORT/p2p. Its two ends first introduce
// themselves, the dialer before the listener, each with one binary message:
//
//	hello = version[4] || network[32] || key[32] || link kind[1] || challenge[32] || name (length[4], bytes)
//
// and then prove, in the same order, that they hold their keys, each with one
// binary message of 64 bytes, the signature of
//
//	"posnet/link/v1" || role[1] (1 dialer, 2 listener) || dialer's hello (length[4], bytes) || listener's hello (length[4], bytes)
//
// Both hellos are signed as they came, and with them network, link kind, keys
// and challenges; so a proof serves in one connection and one role only. From
// then on a binary message is a batch of one or more
//
//	kind[1] || payload (length[4], bytes)
//
// Integers are big-endian. A refusal is a websocket close frame whose reason
// says what is wrong.
package p2p
