// Package fuzzed has what every fuzz target checks of a reader beside that it
// does not panic: that its errors can be read, and that it takes no more memory
// than its input warrants.
package fuzzed

import (
	"runtime/metrics"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSentence is how many bytes an error may have: what is wrong is quoted in
	// part, and what is allowed and what to do follows.
	maxSentence = 1024
	// baseBytes and perByte are what a reader may take from the heap, in all, for
	// an input: buffers of a fixed size, and so many times the input.
	baseBytes = 64 << 10
	perByte   = 64
)

// Sentence checks that an error, if there is one, is one line of text that a
// terminal shows as it is.
func Sentence(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if text == "" || len(text) > maxSentence || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("the error is no sentence: %.2000q", text)
	}
}

// Memory checks that what read takes from the heap is in proportion to the
// input's size in bytes.
func Memory(t testing.TB, size int, read func()) {
	t.Helper()
	Within(t, uint64(baseBytes+perByte*size), read)
}

// Within checks that do takes at most so many bytes from the heap. What other
// goroutines take meanwhile counts too, so that the least of three tries counts.
func Within(t testing.TB, most uint64, do func()) {
	t.Helper()
	spent := allocated(do)
	for try := 1; try < 3 && spent > most; try++ {
		spent = min(spent, allocated(do))
	}
	if spent > most {
		t.Errorf("%d bytes were taken from the heap: at most %d are warranted", spent, most)
	}
}

// Once is Within for what can be done only once: most leaves room for what other
// goroutines take meanwhile.
func Once(t testing.TB, most uint64, do func()) {
	t.Helper()
	if spent := allocated(do); spent > most {
		t.Errorf("%d bytes were taken from the heap: at most %d are warranted", spent, most)
	}
}

// allocated returns how many bytes were taken from the heap meanwhile, to a few
// pages. Unlike runtime.MemStats this stops nobody, and costs a fuzz target
// nothing.
func allocated(do func()) uint64 {
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(heap)
	before := heap[0].Value.Uint64()
	do()
	metrics.Read(heap)
	return heap[0].Value.Uint64() - before
}
