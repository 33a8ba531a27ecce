package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test the posnet command for the scripts, so that they run
// the real program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"posnet": main})
}

// TestScripts runs testdata/*.txtar: what a person types, and what they get.
func TestScripts(t *testing.T) {
	samples, err := filepath.Abs("../../config/samples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMPLES", samples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"occupy": occupy, "freeport": freePort, "await": await,
			"forge": forgeCommand, "damage": damage, "liar": liar, "mumbler": mumbler, "replace": replace,
		},
	})
}
