package ledger

// slab holds values by number in chunks of fixed size, so that growing copies
// nothing, and so that millions of nodes are no work for the garbage collector.
type slab[T any] struct {
	chunks [][]T
	free   []uint32 // given back, to be used again
	next   uint32
}

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits // 512 nodes: a small state stays small
)

func (s *slab[T]) at(i uint32) *T { return &s.chunks[i>>chunkBits][i%chunkSize] }

func (s *slab[T]) add(v T) uint32 {
	i := s.next
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		if int(i>>chunkBits) == len(s.chunks) {
			s.chunks = append(s.chunks, make([]T, chunkSize))
		}
		s.next++
	}
	*s.at(i) = v
	return i
}

func (s *slab[T]) drop(i uint32) { s.free = append(s.free, i) }
