package jsonfile

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/test/fuzzed"
)

type file struct {
	Name  string   `json:"name"`
	Count uint64   `json:"count"`
	Size  int      `json:"size"`
	On    bool     `json:"on"`
	List  []string `json:"list"`
	Part  struct {
		Deep uint32 `json:"deep"`
	} `json:"part"`
	Parts []struct {
		Stake uint64 `json:"stake"`
	} `json:"parts"`
	Address netip.Addr `json:"address"`
}

func TestDecode(t *testing.T) {
	var f file
	if err := Decode([]byte(" \n{\"name\": \"a\", \"part\": {\"deep\": 3}, \"parts\": [{\"stake\": 1}, {\"stake\": 2}]}\r\n\t"), &f); err != nil {
		t.Fatal(err)
	}
	if f.Name != "a" || f.Part.Deep != 3 || len(f.Parts) != 2 || f.Parts[1].Stake != 2 {
		t.Errorf("read as %+v", f)
	}
}

func TestDecodeBad(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "the file is empty: it must hold one JSON object"},
		{" \n\t", "the file is empty: it must hold one JSON object"},
		{"name: alice", "the file does not begin with {: it must hold one JSON object"},
		{"[{}]", "the file does not begin with {: it must hold one JSON object"},
		{"null", "the file does not begin with {: it must hold one JSON object"},
		{"{\n\"name\": alice}", "line 2: no valid JSON: invalid character 'a' looking for beginning of value"},
		{"{\"name\": \"a\",\n\"count\": 1,\n}", "line 3: no valid JSON: invalid character '}' looking for beginning of object key string"},
		{`{"name": "a"`, "the JSON object ends early: the file was cut off"},
		{"{}\n{}", "line 1: something follows the JSON object: the file must hold one object only"},
		{`{} x`, "line 1: something follows the JSON object: the file must hold one object only"},
		{`{"nam": "a"}`, `unknown field "nam": take it out, or look for a slip in its name`},
		{`{"part": {"depp": 1}}`, `unknown field "depp": take it out, or look for a slip in its name`},
		{"{\n\n\"count\": -5}", "line 3: count is a JSON number -5: it must be a whole number, not negative"},
		{`{"count": 1.5}`, "line 1: count is a JSON number 1.5: it must be a whole number, not negative"},
		{`{"count": 1e3}`, "line 1: count is a JSON number 1e3: it must be a whole number, not negative"},
		{`{"count": 18446744073709551616}`, "line 1: count is a JSON number 18446744073709551616: it must be a whole number, not negative"},
		{`{"count": "5"}`, "line 1: count is a JSON string: it must be a whole number, not negative"},
		{`{"size": 1.5}`, "line 1: size is a JSON number 1.5: it must be a whole number"},
		{`{"name": 5}`, "line 1: name is a JSON number: it must be a string"},
		{`{"address": 5}`, "line 1: address is a JSON number: it must be a string"},
		{`{"on": "yes"}`, "line 1: on is a JSON string: it must be true or false"},
		{`{"list": {}}`, "line 1: list is a JSON object: it must be a list"},
		{`{"part": []}`, "line 1: part is a JSON array: it must be an object"},
		{`{"parts": [{"stake": 1}, {"stake": true}]}`, "line 1: parts.stake is a JSON bool: it must be a whole number, not negative"},
		{"{\"name\": \"a\",\n\"name\": \"b\"}", `line 2: "name" is there twice`},
		{`{"name": "a", "Name": "b"}`, `line 1: "Name" is there twice`},
		{"{\"parts\": [{\"stake\": 1},\n{\"stake\": 2, \"stake\": 3}]}", `line 2: "stake" is there twice`},
	} {
		if err := Decode([]byte(c.text), new(file)); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.json")
	if _, err := Read(path, 10); !os.IsNotExist(err) || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Read(filepath.Dir(path), 10); err == nil {
		t.Error("a folder was read")
	}
	for size, good := range map[int]bool{0: true, 10: true, 11: false, 1000: false} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := Read(path, 10)
		if good != (err == nil) || good && len(data) != size || !good && err.Error() != path+" is larger than 10 bytes: that is not the file meant" {
			t.Errorf("%d bytes: %d, %v", size, len(data), err)
		}
	}
}

// FuzzDecode: never a panic, and what is accepted is one JSON object.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name": "a", "count": 5, "list": ["x"], "part": {"deep": 1}, "parts": [{"stake": 1}]}`))
	f.Add([]byte(`{"name": "a", "name": "b"}`))
	f.Add([]byte(`{"parts": [{"stake": 1}], "parts": [{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v file
		var err error
		fuzzed.Memory(t, len(data), func() { err = Decode(data, &v) })
		fuzzed.Sentence(t, err)
		if err == nil && !json.Valid(data) {
			t.Errorf("%q is accepted", data)
		}
	})
}
