// Package jsonfile reads the JSON files a node starts from, strictly: what is
// unknown, given twice or left over is an error that says where it stands.
package jsonfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

// Read returns the content of the file at path, of at most limit bytes.
func Read(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes: that is not the file meant", path, limit)
	}
	return data, nil
}

// Decode reads data, which must hold one JSON object and nothing else, into a
// struct. Every member must be known, and there once, whatever its case.
func Decode(data []byte, into any) error {
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) == 0 {
		return errors.New("the file is empty: it must hold one JSON object")
	} else if first[0] != '{' {
		return errors.New("the file does not begin with {: it must hold one JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return explain(err, data)
	}
	end := dec.InputOffset()
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: something follows the JSON object: the file must hold one object only", line(data, end))
	}
	return checkTwice(data)
}

// explain words the errors of encoding/json for whoever wrote the file.
func explain(err error, data []byte) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON object ends early: the file was cut off")
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: no valid JSON: %w", line(data, syntax.Offset), err)
	case errors.As(err, &wrong):
		return fmt.Errorf("line %d: %s is a JSON %s: it must be %s", line(data, wrong.Offset), wrong.Field, clip(wrong.Value), kind(wrong.Type))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if short := clip(name); short != name {
			name = short + `"`
		}
		return fmt.Errorf("unknown field %s: take it out, or look for a slip in its name", name)
	}
	return err // of a field that reads itself
}

// mostShown is how many characters of the file an error shows.
const mostShown = 64

func clip(text string) string {
	if r := []rune(text); len(r) > mostShown {
		return string(r[:mostShown]) + "…"
	}
	return text
}

// kind says in words what a field must be.
func kind(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "a string"
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int64(len(data)), offset)], []byte("\n"))
}

// checkTwice fails if an object in data, which is valid JSON, has a member
// twice: encoding/json would take the last and say nothing.
func checkTwice(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return twiceIn(dec, data)
}

// twiceIn reads one value.
func twiceIn(dec *json.Decoder, data []byte) error {
	open, err := dec.Token()
	delim, nested := open.(json.Delim)
	if err != nil || !nested {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			folded := strings.ToLower(name.(string))
			if seen[folded] {
				return fmt.Errorf("line %d: %.64q is there twice", line(data, dec.InputOffset()), name)
			}
			seen[folded] = true
		}
		if err := twiceIn(dec, data); err != nil {
			return err
		}
	}
	_, err = dec.Token() // the closing bracket
	return err
}
