// Package failpoint marks the places between two steps of a commit, so that a
// test can have a node die, stand still or lose its disk at exactly one of them.
//
// A program built with the tag "failpoints" reads the environment variable
// POSNET_FAILPOINT, "point:pass:action", such as "commit-stored:3:kill": what
// befalls the process when it comes by that point for the third time. Any other
// program, and so every release, holds nothing of this: Pass is an empty
// function, which the compiler leaves out.
package failpoint

// Point is a place in the program.
type Point string

// The points, in the order in which a height passes them.
const (
	Sign          Point = "sign"           // something is to be signed and is not in the sign log yet
	SignWritten   Point = "sign-written"   // it is in the sign log's file, which is not synced
	Signed        Point = "signed"         // it is on disk, and not sent
	Sent          Point = "sent"           // the links have it
	Decided       Point = "decided"        // a quorum has decided, and the block is not stored
	CommitBatch   Point = "commit-batch"   // all that the block changes is in a batch, and the batch not on disk
	CommitStored  Point = "commit-stored"  // the batch is on disk, and the store does not name it as its head
	Committed     Point = "committed"      // the block is the head, and its records are still in the pool
	PoolCleared   Point = "pool-cleared"   // they are out of it, and nobody has been told of the block
	SignPruned    Point = "sign-pruned"    // everybody has, and what was signed for its height is forgotten
	FileReplacing Point = "file-replacing" // a file's next content is on disk beside it
	FileReplaced  Point = "file-replaced"  // it has taken the file's place, and the folder is not synced
	FolderMade    Point = "folder-made"    // a new data folder has sign log and chain, and is not marked as ready
	Disk          Point = "disk"           // any change of the file system is about to be made
)

// Points returns all points.
func Points() []Point {
	return []Point{
		Sign, SignWritten, Signed, Sent, Decided, CommitBatch, CommitStored, Committed, PoolCleared, SignPruned,
		FileReplacing, FileReplaced, FolderMade, Disk,
	}
}

// Action is what befalls the process.
type Action string

// The actions.
const (
	Kill     Action = "kill"     // it is killed (SIGKILL)
	Stop     Action = "stop"     // it is stopped (SIGSTOP), until somebody lets it go on
	Full     Action = "full"     // its disk is full from then on
	ReadOnly Action = "readonly" // its disk can only be read from then on
)

// Variable is the environment variable that sets a trap.
const Variable = "POSNET_FAILPOINT"
