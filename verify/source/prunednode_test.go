package source

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
	"github.com/posnet/posnet/test/forge"
)

// endless is a node that has the newest blocks of a chain only, and that makes up
// handovers for as long as one asks for them.
type endless struct {
	made   *forge.Chain
	oldest uint64
	from   uint64 // the first that is made up
	pages  int    // of handovers, asked for
}

func (e *endless) answer(op message.Op, args []byte) any {
	switch op {
	case message.OpStatus:
		return map[string]any{"networkId": e.made.Genesis.Network(), "height": uint64(1) << 40, "oldest": e.oldest}
	case message.OpBlocks:
		b := e.made.Blocks[e.oldest-1]
		return map[string]any{"blocks": []any{message.NewBlock(b.Block, b.Certificate, "", message.BlockOptions{Certified: true})}}
	case message.OpDraw:
		return map[string]any{"seed": types.Hash(e.made.Blocks[e.oldest-1].Seed)}
	}
	var asked struct{ From uint64 }
	_ = json.Unmarshal(args, &asked) // the client wrote it
	e.pages++
	if asked.From == 1 {
		return map[string]any{"handovers": e.made.Handovers(e.from)}
	}
	made := e.made.Handovers(e.made.Next.Height)[0]
	page := make([]message.Handover, message.MaxHandovers)
	for i := range page {
		page[i] = made
		page[i].Header.Height = max(e.from, asked.From) + uint64(i)
	}
	return map[string]any{"handovers": page}
}

// ServeHTTP implements http.Handler.
func (e *endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	link, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer link.Close()
	for e.pages < 20 { // or else a test that fails would not end
		var asked struct {
			Op   message.Op
			Args json.RawMessage
			ID   json.RawMessage
		}
		if err := link.ReadJSON(&asked); err != nil {
			return
		}
		if err := link.WriteJSON(map[string]any{"status": 200, "response": e.answer(asked.Op, asked.Args), "id": asked.ID}); err != nil {
			return
		}
	}
}

// Handovers that nobody certified are not asked for and kept without end: below the
// oldest block the first is a fault, and above it nothing is asked for after it.
func TestHandoversWithoutEnd(t *testing.T) {
	made := forge.Guestless()
	for name, e := range map[string]*endless{
		"below the oldest block": {made: made, oldest: 30, from: 15},
		"above it":               {made: made, oldest: 9, from: 15},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(e)
			defer server.Close()
			n, err := OpenNode(t.Context(), strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			s, err := n.Start(t.Context(), made.Genesis)
			certified := len(made.Handovers(e.from))
			var fault *validity.Fault
			switch below := e.oldest > e.from; {
			case below && (!errors.As(err, &fault) || fault.Height != e.from):
				t.Errorf("found %v, want a fault of height %d", err, e.from)
			case !below && (err != nil || s == nil || len(s.Handovers) != certified+1):
				t.Errorf("%+v, %v", s, err)
			}
			if e.pages != 2 {
				t.Errorf("it asked for %d pages", e.pages)
			}
		})
	}
}
