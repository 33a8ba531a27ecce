package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/posnet/posnet/node/rpc/message"
)

const accepted = `{"status":202,"error":"Accepted"`

// acceptedAnswer is the whole answer to a merge.
func acceptedAnswer(id []byte) []byte {
	if id == nil {
		return []byte(accepted + "}")
	}
	return appendID(append(make([]byte, 0, len(accepted)+len(id)+8), accepted...), id)
}

// okAnswer is the answer of an operation that found what was asked for.
func okAnswer(response any, id []byte) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"status":200,"error":"OK","response":`)
	if err := encode(&b, response); err != nil {
		return nil, err
	}
	return appendID(b.Bytes(), id), nil
}

// errorAnswer is the answer to what was refused.
func errorAnswer(e *message.Error, id []byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"status":` + strconv.Itoa(e.Status) + `,"error":`)
	if err := encode(&b, e.Message); err != nil {
		panic("rpc: a text that JSON cannot hold: " + err.Error()) // it holds every text
	}
	b.WriteString(`,"response":null`)
	return appendID(b.Bytes(), id)
}

// appendID ends an answer.
func appendID(b, id []byte) []byte {
	if id != nil {
		b = append(b, `,"id":`...)
		b = append(b, id...)
	}
	return append(b, '}')
}

// encode writes JSON without a line end, and with <, > and & as they are: the
// reader is no web page.
func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}

// refusal turns any error into what the client is told.
func refusal(err error) *message.Error {
	var told *message.Error
	var record *RecordError
	switch {
	case errors.As(err, &record):
		status := record.Status
		if status == 0 {
			status = message.StatusBad
		}
		return &message.Error{Status: status, Message: record.Error()}
	case errors.As(err, &told):
		return told
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return message.Errorf(message.StatusNotReady, "The node is busy or stops: try again, or ask another node")
	}
	return message.Errorf(message.StatusInternal, "The node failed: %v", err)
}
