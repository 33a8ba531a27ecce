package badinput_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// A command line that is wrong ends with code 1 and a sentence.
func TestWrongCommandLine(t *testing.T) {
	t.Parallel()
	program, err := nodeProgram()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, args := range [][]string{
		{},
		{"--genesis", "a", "--config", "b"},
		{"--genesis", "", "--config", "", "--keys", ""},
		{"--genesis", "a", "--config", "b", "--keys", "c", "extra"},
		{"--genesis", "a", "--config", "b", "--keys", "c", "--port", "9000"},
		{"--genesis"},
		{"run"},
	} {
		c := exec.Command(program, args...)
		var out, errs bytes.Buffer
		c.Stdout, c.Stderr = &out, &errs
		_ = c.Run() // its code is looked at
		fmt.Fprintf(&said, "$ node %q\nexit %d: %s", args, c.ProcessState.ExitCode(), errs.String())
		if out.Len() > 0 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("node %q: one sentence on standard error should be all: %q, %q", args, out.String(), errs.String())
		}
	}
	golden(t, "command.txt", said.String())
}
