package message

import "fmt"

// The statuses of answers.
const (
	StatusOK        = 200
	StatusAccepted  = 202
	StatusBad       = 400 // not JSON, a wrong type, a wrong value
	StatusForbidden = 403 // not allowed by this network
	StatusNotFound  = 404 // no such operation or thing
	StatusTooLarge  = 413
	StatusTooFast   = 429 // too many requests, or the pool is full: try again later
	StatusInternal  = 500 // an argument is missing, or the node failed
	StatusNotReady  = 503 // the node is not caught up, or stops
)

// Error is a refusal: a status from 400 on and one sentence that says what is
// wrong, where, and what is allowed. A backend returns it to choose the status.
type Error struct {
	Status  int
	Message string
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}
