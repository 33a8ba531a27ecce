package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
)

// faults are what may be wrong with a forged chain of forge.LivelyBlocks.
var faults = map[string]func(c *forge.Chain){
	"none": func(*forge.Chain) {},
	// A byte of a record is another one: an amount, whose signature is not touched.
	"byte": func(c *forge.Chain) {
		b := c.Blocks[6].Clone()
		changed := *b.Records[0]
		changed.Amount ^= 1
		b.Records[0] = changed.Seal()
		c.Blocks[6] = b
	},
	// A quorum signed a block that pays somebody what nobody had.
	"rich": func(c *forge.Chain) {
		b := c.Blocks[8].Clone()
		b.Records = append(b.Records, c.Pay("nobody", "anna", 1_000_000))
		b.Reseal()
		c.Blocks[8] = b
	},
	// A quorum signed a block after which the state is not what its records lead to.
	"state": func(c *forge.Chain) {
		b := c.Blocks[9].Clone()
		b.Header.State = types.SumHash([]byte("another state"))
		b.Reseal()
		c.Blocks[9] = b
	},
	// Two of four signed, which are no quorum.
	"few": func(c *forge.Chain) {
		b := c.Blocks[10].Clone()
		b.Certificate.Signatures = b.Certificate.Signatures[:2]
		c.Blocks[10] = b
	},
	// All blocks are sound, and in the stored state, that before the newest block,
	// somebody has another balance.
	"balance": func(c *forge.Chain) {
		last := &c.Blocks[len(c.Blocks)-2]
		for i, change := range last.Changes {
			if len(change.Key) == 34 { // of a keyed account
				value := bytes.Clone(change.Value)
				value[7]++
				last.Changes[i].Value = value
				return
			}
		}
	},
}

// forgeCommand makes a data folder with a forged chain and its genesis: "forge FAULT
// DIR". With "forge FAULT DIR OLDEST" it is a chain without guests, and blocks below
// OLDEST are let go of.
func forgeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 || faults[args[0]] == nil {
		ts.Fatalf("usage: forge FAULT DIR [OLDEST]")
	}
	made, oldest := forge.Lively, uint64(1)
	if len(args) == 3 {
		var err error
		oldest, err = strconv.ParseUint(args[2], 10, 64)
		ts.Check(err)
		made = forge.Guestless
	}
	c := made()
	faults[args[0]](c)
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "genesis.json"), c.Genesis.Encode(), 0o644))
	ts.Check(c.Store(filepath.Join(dir, "alice", "data")))
	if oldest > 1 {
		ts.Check(c.Prune(filepath.Join(dir, "alice", "data"), oldest))
	}
}

// damage changes a byte in the first quarter of the largest file whose name
// matches, or cuts it off in the middle: "damage flip|cut PATTERN".
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "flip" && args[0] != "cut" {
		ts.Fatalf("usage: damage flip|cut PATTERN")
	}
	files, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	var largest string
	var content []byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		ts.Check(err)
		if len(data) > len(content) {
			largest, content = name, data
		}
	}
	if largest == "" {
		ts.Fatalf("no file matches %s", args[1])
	}
	if args[0] == "cut" {
		content = content[:len(content)/2]
	} else {
		content[len(content)/4] ^= 1
	}
	ts.Check(os.WriteFile(largest, content, 0o600))
}

// liar puts a node of lies before an honest one, until the script ends: it hands
// on all that is said and changes one text in the answers. Its port is kept in a
// variable: "liar VARIABLE HONEST TRUTH LIE".
func liar(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: liar VARIABLE HONEST TRUTH LIE")
	}
	truth, lie := []byte(args[2]), []byte(args[3])
	var upgrader websocket.Upgrader
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		honest, _, err := websocket.DefaultDialer.Dial("ws://"+args[1]+"/ws", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer honest.Close()
		victim, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer victim.Close()
		go func() {
			_ = relay(honest, victim, func(text []byte) []byte { return text }) // until one of them goes
			honest.Close()
		}()
		_ = relay(victim, honest, func(text []byte) []byte { return bytes.Replace(text, truth, lie, 1) })
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], strings.TrimPrefix(server.URL, "http://127.0.0.1:"))
}

// relay hands on messages until a connection ends.
func relay(to, from *websocket.Conn, change func([]byte) []byte) error {
	for {
		kind, r, err := from.NextReader()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err = errors.Join(err, to.WriteMessage(kind, change(text))); err != nil {
			return err
		}
	}
}

// replace changes a text in a file, which must be there: "replace FILE OLD NEW".
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}
