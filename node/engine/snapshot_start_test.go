package engine

import "testing"

// Nodes that were all started again serve a snapshot at once, so that a node that
// lost its disk meanwhile is not left behind, though there is no other block.
func TestSnapshotAtStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := forgetful(t, 45, 0, nil)
		w.again(0, 1, 2)
		w.start(3)
		w.await(45, 3)
		w.checkAlike(0, 3)
		if oldest := w.nodes[3].Oldest(); oldest != 45 {
			t.Errorf("it has blocks from %d on: the snapshot is of height 44", oldest)
		}
		w.grow(2, 0, 1, 2, 3)
	})
}

// again stops nodes, all of them, and starts them.
func (w *network) again(nodes ...int) {
	w.t.Helper()
	for _, i := range nodes {
		w.stop(i)
	}
	for _, i := range nodes {
		w.start(i)
	}
}

// Where all nodes keep few blocks and were all stopped, and those with half of the
// stake have lost their disks, there is nobody who could make the next height: the
// others have what it takes all the same. Neither contradicts what it signed.
func TestHalfOfDisksLost(t *testing.T) {
	for name, again := range map[string]func(w *network){
		"at one height": func(*network) {},
		"at two heights": func(w *network) {
			w.stop(1)
			w.grow(1, 0, 2, 3)
		},
		"soon after they went on from a snapshot": func(w *network) {
			w.stop(1)
			w.nodes[1].newDisk()
			w.start(1)
			w.await(w.nodes[0].Head(), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := forgetful(t, 25, 0, nil)
				w.start(3)
				w.await(25, 3)
				w.growTo(45)
				again(w)
				head := w.nodes[0].Head()
				for i := range w.nodes {
					w.stop(i)
				}
				w.nodes[2].newDisk()
				w.nodes[3].newDisk()
				for i := range w.nodes {
					w.start(i)
				}
				w.await(head, 0, 1, 2, 3)
				for i := range w.nodes {
					if oldest := w.nodes[i].Oldest(); oldest < 2 {
						t.Errorf("node %d has blocks from %d on", i, oldest)
					}
				}
				w.grow(3, 0, 1, 2, 3)
				for i := range w.nodes {
					w.checkAlike(0, i)
				}
			})
		})
	}
}
