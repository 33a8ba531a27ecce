package nodes

import "time"

// Times. All networks together are asked some two hundred times a second for two
// hundred networks of four.
const (
	// askInterval is how often each node is asked how it is.
	askInterval = 5 * time.Second
	// answerTime is how long a node may take to answer, a new connection included,
	// before it counts as offline: it takes milliseconds.
	answerTime = 2 * time.Second
	// hurryInterval is how often a node is asked that went offline less than
	// hurryTime ago: most are back soon, and somebody waits for them.
	hurryInterval, hurryTime = time.Second, time.Minute
	// confirmDelay is how soon after news of a block others are asked whether they
	// have it, too: by then they do. confirmInterval is how often that may be.
	confirmDelay, confirmInterval = 100 * time.Millisecond, 500 * time.Millisecond
	// maxConfirms is how often they are asked about the same block; the next round
	// asks everybody.
	maxConfirms = 4
	// settleInterval is how often changes of stake are looked after.
	settleInterval = time.Second
	// wakeInterval is how often a network is reconciled at most for nothing but new
	// blocks: its status is written every five seconds at most.
	wakeInterval = 4 * time.Second
)

// Sizes.
const (
	// maxAsking bounds the nodes that are being asked, all networks together. A place
	// is taken for milliseconds; only where hundreds of nodes hang do others wait.
	maxAsking = 256
	// maxNews is how many blocks may wait to be looked at: seconds of the fastest
	// chain.
	maxNews = 256
	// readBuffer holds a status. Larger answers are rare, and take a few reads more.
	readBuffer = 2 << 10
	// minRecent and maxRecent bound the blocks that are remembered: enough to find
	// there the head of each node that is caught up.
	minRecent, maxRecent = 32, 512
	// maxSkew is how many blocks a node may be behind the others in the first answers
	// of all, which do not come at the same moment.
	maxSkew = 10
	// maxReferences is how many nodes that are behind are held beside the others at a
	// time; the rest have their turn when those are caught up.
	maxReferences = 8
)
