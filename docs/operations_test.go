package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

var (
	operationRow = regexp.MustCompile("(?m)^\\| (`[a-z]+`(?:, `[a-z]+`)*) \\|([^|]*)\\| .* \\|$")
	codeWord     = regexp.MustCompile("`([a-zA-Z]+)`")
	neededWord   = regexp.MustCompile("\\*\\*`([a-z]+)`\\*\\*")
	quotedWord   = regexp.MustCompile(`"([a-zA-Z]+)"`)
)

// TestOperations asks a node for its operations and their arguments, which it
// names in its refusals, and holds the table of api.md against that.
func TestOperations(t *testing.T) {
	raw, err := os.ReadFile("api.md")
	if err != nil {
		t.Fatal(err)
	}
	link := dial(t, startNetwork(t))
	var told []string
	for _, row := range operationRow.FindAllStringSubmatch(string(raw), -1) {
		args, _, _ := strings.Cut(row[2], ": of ") // what follows are values
		for _, op := range words(codeWord, row[1]) {
			told = append(told, op)
			_, takes, _ := strings.Cut(refused(t, link, `{"op":%q,"args":{"?":1}}`, op), "it takes ")
			if want, got := words(quotedWord, takes), words(codeWord, args); !slices.Equal(want, got) {
				t.Errorf("api.md gives %s the arguments %v, the node %v", op, got, want)
			}
			_, needs, _ := strings.Cut(refused(t, link, `{"op":%q}`, op), `following "args": `)
			if want, got := words(quotedWord, needs), words(neededWord, args); !slices.Equal(want, got) {
				t.Errorf("api.md says that %s needs %v, the node %v", op, got, want)
			}
		}
	}
	_, all, _ := strings.Cut(refused(t, link, `{"op":%q}`, "?"), "it must be one of ")
	want := words(quotedWord, all)
	slices.Sort(want)
	slices.Sort(told)
	if !slices.Equal(want, told) {
		t.Errorf("api.md has a table of the operations %v, the node has %v", told, want)
	}
}

// words returns the words that a pattern's group finds in a text.
func words(pattern *regexp.Regexp, text string) []string {
	var list []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// refused sends a request and returns the error of its answer.
func refused(t *testing.T, link *websocket.Conn, format, op string) string {
	t.Helper()
	if err := link.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, op)); err != nil {
		t.Fatal(err)
	}
	_, frame, err := link.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error string }
	if err := json.Unmarshal(frame, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Error
}
