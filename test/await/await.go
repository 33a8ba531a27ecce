// Package await waits, in tests, for what must come true sooner or later.
package await

import (
	"testing"
	"time"
)

const (
	// Patience is how long a test waits for what must happen: long enough for a
	// machine that is busy with something else.
	Patience = 2 * time.Minute
	// pause is how long it looks away between two looks.
	pause = 5 * time.Millisecond
)

// True looks again and again until holds returns nil, and fails the test with
// its last error if that takes too long.
func True(t testing.TB, what string, holds func() error) {
	t.Helper()
	Within(t, Patience, what, holds)
}

// Within is True with a patience of its own.
func Within(t testing.TB, patience time.Duration, what string, holds func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s: %v", patience, what, err)
		}
	}
}
