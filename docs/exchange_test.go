package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types"
)

// exchangeBlock is a fenced block of requests (→) and answers (←).
var exchangeBlock = regexp.MustCompile("(?s)```exchange\n(.*?)```\n")

// TestExchanges holds every exchange of api.md against a running network:
// answers must have the fields, types and texts that the document shows. Hashes,
// keys and times are this network's own, and so are numbers.
func TestExchanges(t *testing.T) {
	raw, err := os.ReadFile("api.md")
	if err != nil {
		t.Fatal(err)
	}
	x := &exchanger{t: t, link: dial(t, startNetwork(t)), now: map[string]string{}}
	fresh := exchangeBlock.ReplaceAllStringFunc(string(raw), func(block string) string {
		return "```exchange\n" + x.run(exchangeBlock.FindStringSubmatch(block)[1]) + "```\n"
	})
	if x.count < 25 {
		t.Errorf("api.md shows %d exchanges: at least 25 were there", x.count)
	}
	if *update {
		if err := os.WriteFile("api.md", []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startNetwork runs one validator with the classic rule, and returns where its
// API listens.
func startNetwork(t *testing.T) string {
	keys := config.Keys{Sign: types.GenerateKey(), VRF: types.GenerateKey()}
	g := &genesis.Genesis{
		Name: "classroom", Time: types.TimeOf(time.Now()), Authority: types.GenerateKey().Public(),
		Params:     genesis.Params{OpenAccounts: true, BlockReward: 1, Faucet: true, FaucetMax: 1_000_000},
		Validators: []genesis.Validator{{Name: "alice", Key: keys.Sign.Public(), VRFKey: keys.VRF.Public(), Stake: 100}},
	}
	n, err := node.Start(t.Context(), node.Options{Genesis: g, Keys: keys, Version: "v0.1.0", Config: &config.Config{
		Name: "alice", Listen: config.Listen{API: "127.0.0.1:0", P2P: "127.0.0.1:0"},
		Builder:   config.Builder{When: "pool.size >= 3", Interval: config.Duration(time.Second), MaxRecords: 20_000, MaxBytes: 4 << 20},
		Consensus: config.Consensus{ProposeTimeout: config.Duration(3 * time.Second)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n.Addresses().API
}

func dial(t *testing.T, address string) *websocket.Conn {
	link, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// exchanger plays the document's requests. now maps values that the document
// shows to those that stand for them in this run.
type exchanger struct {
	t     *testing.T
	link  *websocket.Conn
	now   map[string]string
	count int
}

// run plays one block and returns it with the answers of this run.
func (x *exchanger) run(block string) string {
	var out strings.Builder
	for _, part := range strings.Split(block, "→ ")[1:] {
		request, shown, _ := strings.Cut(part, "← ")
		request = strings.TrimSpace(request)
		answer := x.ask(request)
		if shown != "" {
			x.compare(request, []byte(shown), answer)
		} else if !*update {
			x.t.Errorf("api.md shows no answer to %s: run go test ./docs -update", request)
		}
		fmt.Fprintf(&out, "→ %s\n← %s\n", x.written(request), pretty(answer))
	}
	return out.String()
}

// written is the request with the values of this run, for a document that is
// written anew; in one whose answers are not there yet, the id 0…1 stands for
// the first that the pool showed.
func (x *exchanger) written(request string) string {
	for was, now := range x.now {
		request = strings.ReplaceAll(request, was, now)
	}
	return request
}

const firstID = "0000000000000000000000000000000000000000000000000000000000000001"

var recordID = regexp.MustCompile(`"id":"([0-9a-f]{64})"`)

// ask sends a request and returns its answer. A pool that becomes large enough
// is waited for, so that the next request sees the block.
func (x *exchanger) ask(request string) []byte {
	x.t.Helper()
	x.count++
	if err := x.link.WriteMessage(websocket.TextMessage, []byte(x.written(request))); err != nil {
		x.t.Fatal(err)
	}
	_ = x.link.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, answer, err := x.link.ReadMessage()
	if err != nil {
		x.t.Fatalf("%s: %v", request, err)
	}
	if m := recordID.FindSubmatch(answer); m != nil && x.now[firstID] == "" {
		x.now[firstID] = string(m[1])
	}
	if strings.Contains(request, `"reading"`) {
		x.awaitBlock()
	}
	return answer
}

func (x *exchanger) awaitBlock() {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if err := x.link.WriteMessage(websocket.TextMessage, []byte(`{"op":"fairness"}`)); err != nil {
			x.t.Fatal(err)
		}
		_, answer, err := x.link.ReadMessage()
		if err != nil {
			x.t.Fatal(err)
		}
		if bytes.Contains(answer, []byte(`"draws":1,`)) {
			return
		}
	}
	x.t.Fatal("three records made no block")
}

// compare checks that an answer is of the kind that the document shows.
func (x *exchanger) compare(request string, shown, answer []byte) {
	var was, now any
	if err := json.Unmarshal(shown, &was); err != nil {
		x.t.Errorf("%s: the answer that api.md shows is no JSON: %v", request, err)
		return
	}
	if err := json.Unmarshal(answer, &now); err != nil {
		x.t.Fatal(err)
	}
	x.alike(request, "", was, now)
}

// own matches texts that differ from network to network.
var own = regexp.MustCompile(`^([0-9a-f]{64,}|\d{4}-\d\d-\d\dT.*Z|127\.0\.0\.1:\d+)$`)

func (x *exchanger) alike(request, at string, was, now any) {
	wrong := func() {
		x.t.Errorf("%s: api.md shows %s as %v, the network answers %v: if that is meant, run go test ./docs -update", request, at, was, now)
	}
	switch was := was.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok || len(was) != len(now) {
			wrong()
			return
		}
		for name, v := range was {
			other, there := now[name]
			if !there {
				wrong()
				return
			}
			x.alike(request, at+"."+name, v, other)
		}
	case []any:
		now, ok := now.([]any)
		if !ok || len(was) != len(now) {
			wrong()
			return
		}
		for i := range was {
			x.alike(request, fmt.Sprintf("%s[%d]", at, i), was[i], now[i])
		}
	case string:
		now, ok := now.(string)
		switch {
		case ok && own.MatchString(was) && own.MatchString(now):
			x.now[was] = now
		case !ok || x.neutral(was) != x.neutral(now):
			wrong()
		}
	case float64:
		if _, ok := now.(float64); !ok {
			wrong()
		}
	default:
		if was != now {
			wrong()
		}
	}
}

var anyHex = regexp.MustCompile(`[0-9a-f]{8,}`)

// neutral hides hashes within a sentence.
func (x *exchanger) neutral(s string) string { return anyHex.ReplaceAllString(s, "…") }

// pretty lays an answer out: as one line if it is short, else a member a line.
func pretty(answer []byte) string {
	const short = 120
	if len(answer) <= short {
		return string(answer)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, answer, "", "  "); err != nil {
		return string(answer)
	}
	return out.String()
}
