// Package sim runs whole networks over the consensus core in one goroutine: a
// clock that jumps from event to event, a network that delays, loses, doubles,
// reorders and cuts, disks that alone survive a crash, and validators that
// break the rules. Everything follows from one seed, so that a seed replays
// any bug:
//
//	go test ./node/sim -run TestSeeds -seed=N -v
//
// The blocks are small fakes and signatures are not checked; what is real is
// the core, and in half of the runs the draw.
//
// At every step it is checked that no two nodes commit different blocks at one
// height, that no honest node ever signs two messages that contradict each
// other, that a precommit has a quorum of prevotes behind it and a block a
// quorum of precommits, and that blocks follow one upon the other; and once
// all faults are over, that every honest node goes on.
package sim
