package badinput_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/posnet/posnet/node/failpoint"
)

// The program that is released knows nothing of failpoints: what must never
// befall a real node can be asked of none.
func TestNoFailpointsAreReleased(t *testing.T) {
	t.Parallel()
	program, err := nodeProgram()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{failpoint.Variable, string(failpoint.SignWritten), string(failpoint.CommitStored)} {
		if bytes.Contains(data, []byte(text)) {
			t.Errorf("the program holds the text %q", text)
		}
	}
}
