// Package consensus is the agreement of posnet as a pure state machine:
// Tendermint (Buchman, Kwon, Milosevic: The latest gossip on BFT consensus,
// arXiv:1807.04938, algorithm 1) with power counted in stake, and the draw as
// its proposer function.
//
// A Core takes one Event at a time and returns the Actions that follow from
// it. It reads no clock, starts no goroutine and holds no lock: whoever drives
// it (node/engine in production, node/sim in simulations) brings time, keys,
// disk and network. events.go and actions.go are the whole seam.
//
// # The driver's duties
//
// Steps come one after the other. The actions of a step are carried out in
// their order; none has to be finished before the next Step, except that what
// is signed is persisted first (see SignVote).
//
// A message enters verified: the signature is that of a validator of its
// height, and a proposal has passed types.Proposal.CheckForm. The driver holds
// the validator sets of the height at work and of the next, so it can verify
// messages of both; it drops all others. The core keeps early messages of the
// next height itself.
//
// Own messages come in by the front door. Upon SignVote, SignProposal,
// SignCandidate or SignPass the driver refuses if its sign log holds something
// that contradicts it; else it persists, signs, broadcasts, and feeds the own
// message back as an event. A vote counts for its own signer only then. A
// refusal is silence: the core goes on as if the message had been lost.
//
// After a restart the first NewHeight, for the height after the last block,
// bears everything that the sign log holds of that height: own proposals and
// votes, and what was kept with them (Lock). From these the core takes up its
// lock and its round again.
package consensus
