package nodes_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/posnet/posnet/controllers/observe/nodes"
)

// All nodes are known soon, each block at once, and nobody is woken for nothing.
func TestBlocksAreKnownAtOnce(t *testing.T) {
	n := start(t, "pool.size >= 1", nil)
	r := newRig(t)
	r.Follow(alpha, network(n))
	r.until("all are online", online(4))
	s := r.until("one has said what one can say of all", func(s *nodes.Snapshot) error {
		if s.Validators == nil || s.Fairness == nil {
			return errors.New("not yet")
		}
		return nil
	})
	if len(s.Validators.Validators) != 4 {
		t.Errorf("validators: %+v", s.Validators)
	}
	for height := uint64(1); height <= 5; height++ {
		mint(t, n)
		began := time.Now()
		r.until("the block is known, of more than a third of the stake", func(s *nodes.Snapshot) error {
			var stake uint64
			for _, node := range s.Nodes {
				if node.Status != nil && node.Status.Height >= height {
					stake += node.Stake
					if len(node.Winners) != int(height) || node.Winners[0].Height != height {
						return fmt.Errorf("its winners are %+v", node.Winners)
					}
				}
			}
			if 3*stake <= 100 {
				return fmt.Errorf("nodes with a stake of %d tell of it", stake)
			}
			return nil
		})
		t.Logf("block %d was known after %v", height, time.Since(began))
	}
}
