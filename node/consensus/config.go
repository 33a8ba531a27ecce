package consensus

import (
	"time"

	"github.com/posnet/posnet/node/types"
)

// Config is what a core is told once.
type Config struct {
	// Self is this node's key. It need not be a validator's: a node that is
	// none at a height follows it without signing.
	Self types.PublicKey
	// ProposeTimeout is how long the drawn validator is waited for in round 0;
	// all other timeouts follow from it. It must be positive.
	ProposeTimeout time.Duration
}
