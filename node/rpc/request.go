package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/posnet/posnet/node/rpc/message"
)

// request is one frame, taken apart; it shares the frame's bytes.
type request struct {
	op    message.Op
	args  []byte // an object by its first byte, not yet read; nil if there are none
	id    []byte // valid JSON; nil if there is none
	frame []byte // all of it
}

const example = `send one object such as {"op": "pool"}`

// parseRequest takes a frame apart.
func parseRequest(frame []byte) (request, *message.Error) {
	r := request{frame: frame}
	if !utf8.Valid(frame) {
		return r, badRequest("The frame is not valid UTF-8: %s", example)
	}
	if b := bytes.TrimLeft(frame, " \t\r\n"); len(b) > 0 && b[0] != '{' && json.Valid(frame) {
		return r, badRequest("The frame holds %s: %s", kindOf(b), example)
	}
	var seen seenFields
	err := walkObject(frame, func(name string, value []byte) error {
		switch name {
		case "op":
			return seen.once(&seen.op, name, r.setOp, value)
		case "args":
			return seen.once(&seen.args, name, r.setArgs, value)
		case "id":
			return seen.once(&seen.id, name, r.setID, value)
		}
		return badRequest(`The request has an unknown field %s: allowed are "op", "args" and "id"`, quote(name))
	})
	switch refusal := (*message.Error)(nil); {
	case errors.As(err, &refusal):
		return request{}, refusal
	case err != nil:
		return request{}, notJSON(frame)
	case !seen.op:
		return request{}, badRequest(`The request has no "op": it must be one of %s`, operationNames)
	}
	return r, nil
}

// seenFields tells which fields of a request came.
type seenFields struct{ op, args, id bool }

func (*seenFields) once(seen *bool, name string, set func([]byte) error, value []byte) error {
	if *seen {
		return badRequest("The request has the field %s twice", quote(name))
	}
	*seen = true
	return set(value)
}

func (r *request) setOp(value []byte) error {
	if value[0] != '"' {
		return badRequest(`"op" is %s: it must be a string, one of %s`, clip(value), operationNames)
	}
	op, err := unquote(value)
	if err != nil {
		return errShape
	}
	r.op = message.Op(op)
	return nil
}

func (r *request) setArgs(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	if value[0] != '{' {
		return badRequest(`"args" is %s: it must be an object`, clip(value))
	}
	r.args = value
	return nil
}

func (r *request) setID(value []byte) error {
	if len(value) > message.MaxIDBytes {
		return badRequest(`"id" takes %d bytes: at most %d are allowed`, len(value), message.MaxIDBytes)
	}
	if !json.Valid(value) {
		return errShape
	}
	r.id = value
	return nil
}

func badRequest(format string, args ...any) *message.Error {
	return message.Errorf(message.StatusBad, format, args...)
}

// notJSON says where a frame stops being JSON.
func notJSON(frame []byte) *message.Error {
	err := json.Unmarshal(frame, new(json.RawMessage))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return badRequest("The frame is not JSON, at byte %d: %v; %s", syntax.Offset, syntax, example)
	}
	return badRequest("The frame is not the JSON of a request: %s", example)
}

// kindOf names the kind of a JSON value for an error text.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}

// maxQuoted keeps a value quoted in an error short enough to read.
const maxQuoted = 64

// clip shows a piece of JSON in an error text, on one line.
func clip(value []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, clipTo(string(value), maxQuoted))
}

// clipTo cuts text that takes more bytes than most, between characters.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

// quote shows a text of the client in an error text.
func quote(text string) string { return strconv.Quote(clipTo(text, maxQuoted)) }
