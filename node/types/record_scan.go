package types

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// field is a member of a record's JSON object.
type field int

// From fieldSender to fieldBalance they belong to some record types only.
const (
	fieldType field = iota
	fieldSender
	fieldReceiver
	fieldAmount
	fieldAuthor
	fieldBPM
	fieldValidator
	fieldVRFKey
	fieldName
	fieldStake
	fieldSession
	fieldBalance
	fieldNonce
	fieldSignature
	fieldT
	fieldPrevHash // what a node adds when it shows a record: ignored when it comes back
	fieldID       // likewise
	fieldCount
)

var fieldNames = [fieldCount]string{
	"type", "sender", "receiver", "amount", "author", "bpm", "validator", "vrfKey", "name", "stake",
	"session", "balance", "nonce", "signature", "t", "prev_hash", "id",
}

// members holds the raw JSON value of each field of a record, nil where it is
// missing. Records come by the thousand, and encoding/json takes four times as
// long to find them.
type members [fieldCount][]byte

// scan splits a JSON object into its members.
func (m *members) scan(b []byte) error {
	s := scanner{rest: b}
	if s.next() != '{' {
		return noRecord(b)
	}
	s.rest = s.rest[1:]
	for first := true; ; first = false {
		c := s.next()
		if c == '}' && first {
			s.rest = s.rest[1:]
			break
		}
		name, value, ok := s.member()
		if !ok {
			return noRecord(b)
		}
		if err := m.put(name, value); err != nil {
			return err
		}
		if c = s.next(); c != ',' && c != '}' {
			return noRecord(b)
		}
		s.rest = s.rest[1:]
		if c == '}' {
			break
		}
	}
	if s.next() != 0 || len(s.rest) > 0 {
		return noRecord(b)
	}
	return nil
}

func (m *members) put(name, value []byte) error {
	for f := range fieldCount {
		if fieldNames[f] != string(name) {
			continue
		}
		if m[f] != nil {
			return fieldError(fieldNames[f], "is there twice")
		}
		m[f] = value
		return nil
	}
	return fmt.Errorf("is no record: json: unknown field %q", clip(string(name)))
}

// noRecord says why b is not the JSON of a record.
func noRecord(b []byte) error {
	var any json.RawMessage
	if err := json.Unmarshal(b, &any); err != nil {
		return fmt.Errorf("is no record: %w", err)
	}
	return fmt.Errorf("is no record: it must be a JSON object, not %s", clip(string(bytes.TrimSpace(b))))
}

// scanner walks JSON text.
type scanner struct{ rest []byte }

// next skips white space and returns the byte after it, or 0 at the end.
func (s *scanner) next() byte {
	for i, c := range s.rest {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			s.rest = s.rest[i:]
			return c
		}
	}
	s.rest = nil
	return 0
}

// member reads a name, a colon and a value.
func (s *scanner) member() (name, value []byte, ok bool) {
	if name, ok = s.quoted(); !ok || s.next() != ':' {
		return nil, nil, false
	}
	s.rest = s.rest[1:]
	switch s.next() {
	case '"':
		value, ok = s.quoted()
	case '{', '[':
		value, ok = s.nested()
	default:
		value, ok = s.literal()
	}
	return unquote(name), value, ok
}

// quoted reads a string with its quotes.
func (s *scanner) quoted() (raw []byte, ok bool) {
	if s.next() != '"' {
		return nil, false
	}
	escaped := false
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '\\':
			escaped = true
			i++
		case c == '"':
			raw, s.rest = s.rest[:i+1], s.rest[i+1:]
			return raw, !escaped || json.Valid(raw)
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// literal reads a number, true, false or null.
func (s *scanner) literal() (raw []byte, ok bool) {
	for i, c := range s.rest {
		if c == ',' || c == '}' || c <= ' ' {
			raw, s.rest = s.rest[:i], s.rest[i:]
			return raw, json.Valid(raw)
		}
	}
	return nil, false
}

// nested reads an object or a list. No field may be one, but the error shows it.
func (s *scanner) nested() (raw []byte, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(s.rest))
	var value json.RawMessage
	if dec.Decode(&value) != nil {
		return nil, false
	}
	s.rest = s.rest[dec.InputOffset():]
	return value, true
}

// unquote returns the text of a valid JSON string.
func unquote(raw []byte) []byte {
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return text
	}
	return []byte(s)
}
