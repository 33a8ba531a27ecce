package rpc

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// read takes a frame apart as far as it can be without a node.
func read(frame []byte) (request, []*types.Record, *message.Error) {
	r, refused := parseRequest(frame)
	if refused != nil {
		return r, nil, refused
	}
	o, a, refused := find(r)
	if refused != nil || o.name != message.OpMerge {
		return r, nil, refused
	}
	records, err := readRecords(a.values["pool"])
	if err == errShape {
		return r, nil, notJSON(frame)
	}
	if err != nil {
		return r, nil, refusal(err)
	}
	return r, records, nil
}

// FuzzRequest holds the reader, which looks at each byte about once, against
// encoding/json, which looks often and knows better.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"op":"pool"}`, `{"op":"pool","args":null,"id":[1,"x"]}`, ` { "op" : "blocks" , "args" : { "start" : -1 } } `,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1}]}}`,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1,"t":1.5},{"amount":{"a":["}"]}}]}}`,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1,"prev_hash":tru}]}}`,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1,"id":"\x"}]}}`,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1,"id":[}]}]}}`,
		`{"op":"merge","args":{"pool":[{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1,"nonce":nul}]}}`,
		`{"op":"subscribe","args":{"topics":["blocks"]}}`, `{"op":"p\u006fol"}`, `{"op":"pool","args":{"limit":[[[[}}}}}`, `{"op":"pool",}`,
		`{"\op":1}`, "{\"op\":\"po\nol\"}", `{"op":"pool","id":tru}`, `[[[[`, `"`, `{`, `{"op`, "\xff", `{"op":"pool"}x`, `{"op":"record","args":{"id":"\ud800"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		r, records, refused := read(frame)
		if refused != nil {
			checkRefusal(t, frame, refused)
			return
		}
		var known struct {
			Op   message.Op      `json:"op"`
			Args json.RawMessage `json:"args"`
			ID   json.RawMessage `json:"id"`
		}
		if err := json.Unmarshal(frame, &known); err != nil {
			t.Fatalf("%q was taken, but is no request: %v", frame, err)
		}
		if known.Op != r.op || !bytes.Equal(known.ID, r.id) {
			t.Fatalf("%q reads as op %q and id %s, want %q and %s", frame, r.op, r.id, known.Op, known.ID)
		}
		var merge struct {
			Pool []*types.Record `json:"pool"`
		}
		if known.Op == message.OpMerge {
			if err := json.Unmarshal(known.Args, &merge); err != nil {
				t.Fatalf("%q was taken, but its records are wrong: %v", frame, err)
			}
		}
		if !slices.EqualFunc(merge.Pool, records, func(x, y *types.Record) bool { return x.ID() == y.ID() && x.Amount == y.Amount }) {
			t.Fatalf("%q reads as other records", frame)
		}
	})
}

func checkRefusal(t *testing.T, frame []byte, refused *message.Error) {
	valid := json.Valid(frame) && utf8.Valid(frame)
	if valid && strings.Contains(refused.Message, "is not") && strings.Contains(refused.Message, "The frame is not") {
		t.Fatalf("%q is JSON, but was refused: %s", frame, refused.Message)
	}
	if !valid && refused.Status != message.StatusBad && refused.Status != message.StatusNotFound && refused.Status != message.StatusInternal {
		t.Fatalf("%q was refused with status %d", frame, refused.Status)
	}
	if text := errorAnswer(refused, nil); !json.Valid(text) || len(text) > 1024 {
		t.Fatalf("%q is answered with %d bytes: %s", frame, len(text), text)
	}
}

// Any object is walked as encoding/json reads it, whatever its spacing.
func TestWalkObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.String(), value(3)).Draw(t, "object")
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "spaced") {
			var b bytes.Buffer
			if err := json.Indent(&b, text, " \r", "\t"); err != nil {
				t.Fatal(err)
			}
			text = b.Bytes()
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		got := map[string]json.RawMessage{}
		err = walkObject(text, func(name string, value []byte) error {
			got[name] = value
			return nil
		})
		if err != nil || !maps.EqualFunc(got, members, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) }) {
			t.Fatalf("%s walks as %s: %v", text, got, err)
		}
	})
}

// value generates any JSON value of a depth.
func value(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.Float64Range(-1e20, 1e20), func(x float64) any { return x }), rapid.Just(any(nil)), rapid.Just(any(true)))
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.String(), value(depth-1), 0, 4), func(m map[string]any) any { return m }))
}

func TestTooManyRecords(t *testing.T) {
	one := `{"sender":"00000000-0000-0000-0000-000000000000","receiver":"bc70b89d-4521-454c-bebc-6c2456074bf2","amount":1}`
	frame := func(n int) []byte {
		return []byte(`{"op":"merge","args":{"pool":[` + strings.Repeat(one+",", n-1) + one + `]}}`)
	}
	if _, records, refused := read(frame(message.MaxMergeRecords)); refused != nil || len(records) != message.MaxMergeRecords {
		t.Errorf("%d records read as %d: %v", message.MaxMergeRecords, len(records), refused)
	}
	_, _, refused := read(frame(message.MaxMergeRecords + 1))
	if refused == nil || refused.Status != message.StatusTooLarge || refused.Message != "A merge takes at most 10000 records: send the rest in another" {
		t.Errorf("one more: %v", refused)
	}
}
