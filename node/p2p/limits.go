package p2p

import "time"

// timing is how long things may take. All meshes have standardTiming; tests of
// what happens when time runs out have less.
type timing struct {
	// handshake is from an open connection to a proved one: ten times what a
	// hundred validators take that all connect to each other at once on one
	// small machine.
	handshake time.Duration
	// heartbeat is how often a link says that it lives. It also is how soon a
	// link ends whose peer is no longer allowed.
	heartbeat time.Duration
	// silence is how long nothing may be heard on a link: three heartbeats may
	// be late on a busy machine, the fourth is not coming.
	silence time.Duration
	// write is how long a peer may take nothing from a full connection. It is
	// longer than silence: who is gone is noticed by that.
	write time.Duration
}

var standardTiming = timing{
	handshake: 5 * time.Second,
	heartbeat: time.Second,
	silence:   4 * time.Second,
	write:     5 * time.Second,
}

// Limits of a connection that has not yet proved its key.
const (
	// maxHeaderBytes holds the few lines of a websocket request.
	maxHeaderBytes = 4 << 10
	// maxPending bounds connections that are not proved yet, so that strangers
	// cannot use up the node's file descriptors.
	maxPending = 512
	// maxPendingPerHost is more than the two links of each of a hundred
	// validators on one host, and leaves room for others beside a host that floods.
	maxPendingPerHost = 256
)

// Limits of a link.
const (
	// closeGrace is how long a closing link tries to say why: the frame is lost
	// only on a connection that is full.
	closeGrace = 100 * time.Millisecond
	// maxReasonBytes is what a websocket close frame holds (RFC 6455, 5.5).
	maxReasonBytes = 123
)

// Sizes of what is read and written at once.
const (
	// batchBytes is how much a batch of small messages may fill, and the size of
	// a write buffer: one write to the connection each.
	batchBytes = 64 << 10
	// readBufferBytes holds some hundred votes; what is larger goes past it.
	readBufferBytes = 16 << 10
	// chunkBytes is how much of a large message has one write deadline: a
	// connection too slow for 50 kB per second is too slow for a validator.
	chunkBytes = 256 << 10
	// entryBytes stands before each payload in a batch: kind and length.
	entryBytes = 1 + 4
)

// queueLimits bound what waits for a link; who reads so slowly that they are
// exceeded loses the link. One message always fits into an empty queue.
var queueLimits = [...]struct{ messages, bytes int }{
	// All votes of a hundred validators for ten heights; several proposals of
	// the largest size.
	VoteLink: {4096, 16 << 20},
	// A largest answer to blocksWanted, with seconds of gossip behind it.
	BulkLink: {4096, 40 << 20},
}

// Pauses between attempts to dial a peer.
const (
	// minBackoff is short, for a peer that just restarts; a refused connection
	// costs a tenth of a millisecond.
	minBackoff = 50 * time.Millisecond
	// maxBackoff bounds how long a peer that is back waits to be dialed.
	maxBackoff = 2 * time.Second
	// steadyAfter is how long a link must have lived to be dialed again at once
	// when lost; one that dies young backs off, so that two ends that disagree
	// do not spin.
	steadyAfter = maxBackoff
)

// Limits of the log.
const (
	// repeatAfter is how long the same complaint about the same host is not
	// logged again: a peer that is set up wrongly tries for ever.
	repeatAfter = time.Minute
	// maxRepeats bounds the complaints that are remembered.
	maxRepeats = 256
)
