package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
)

// errShape means that bytes are not the JSON their reader walks over. What
// exactly is wrong is asked of encoding/json, once, for the error text.
var errShape = errors.New("not well-formed JSON")

// walkObject calls each for every member of a JSON object that fills b, in
// order. Values are cut out, not checked: whoever takes one reads it strictly.
// A frame is thus read once, not once to check it and again to decode it.
func walkObject(b []byte, each func(name string, value []byte) error) error {
	return walk(b, '{', '}', func(i int) (int, error) {
		end, ok := skipString(b, i)
		if !ok {
			return 0, errShape
		}
		name, err := unquote(b[i:end])
		if err != nil {
			return 0, errShape
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ':' {
			return 0, errShape
		}
		i = skipSpace(b, i+1)
		end, ok = skipValue(b, i)
		if !ok {
			return 0, errShape
		}
		return end, each(name, b[i:end:end])
	})
}

// walkArray calls each for every element of a JSON array that fills b.
func walkArray(b []byte, each func(value []byte) error) error {
	return walk(b, '[', ']', func(i int) (int, error) {
		end, ok := skipValue(b, i)
		if !ok {
			return 0, errShape
		}
		return end, each(b[i:end:end])
	})
}

// walk goes over what stands between an opening and a closing bracket. item
// reads one item that begins at i and returns where it ends.
func walk(b []byte, open, shut byte, item func(i int) (int, error)) error {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != open {
		return errShape
	}
	i = skipSpace(b, i+1)
	for first := true; i < len(b) && b[i] != shut; first = false {
		if !first {
			if b[i] != ',' {
				return errShape
			}
			i = skipSpace(b, i+1)
		}
		end, err := item(i)
		if err != nil {
			return err
		}
		i = skipSpace(b, end)
	}
	if i >= len(b) || skipSpace(b, i+1) != len(b) {
		return errShape
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the end of the string that begins at i. Each byte is
// looked at twice at most, whatever is escaped.
func skipString(b []byte, i int) (int, bool) {
	if i >= len(b) || b[i] != '"' {
		return 0, false
	}
	quote := i
	for i++; i < len(b); {
		if quote < i {
			next := bytes.IndexByte(b[i:], '"')
			if next < 0 {
				return 0, false
			}
			quote = i + next
		}
		escape := bytes.IndexByte(b[i:quote], '\\')
		if escape < 0 {
			return quote + 1, true
		}
		i += escape + 2
	}
	return 0, false
}

// unquote reads the string that fills b.
func unquote(b []byte) (string, error) {
	text := b[1 : len(b)-1]
	for _, c := range text {
		if c < ' ' || c == '\\' {
			var s string
			err := json.Unmarshal(b, &s)
			return s, err
		}
	}
	return string(text), nil
}

// skipValue returns the end of the value that begins at i. It counts brackets
// and does not recurse, so that no depth of nesting costs anything.
func skipValue(b []byte, i int) (int, bool) {
	if i >= len(b) {
		return 0, false
	}
	start, depth := i, 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end, ok := skipString(b, i)
			if !ok {
				return 0, false
			}
			i = end
			if depth == 0 {
				return i, true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i, i > start
			}
			if depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i, i > start
			}
		}
		i++
	}
	return i, depth == 0
}
