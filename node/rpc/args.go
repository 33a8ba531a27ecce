package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// arguments reads the args of a request one by one and keeps the first error.
type arguments struct {
	op     message.Op
	values map[string][]byte
	err    error
}

// readArguments takes args apart and checks that it holds what o knows and all
// that o needs. null stands for an argument that is not given.
func readArguments(o *operation, args []byte) (*arguments, error) {
	a := &arguments{op: o.name, values: make(map[string][]byte, len(o.args))}
	if args == nil {
		return a, o.missing(a.values)
	}
	err := walkObject(args, func(name string, value []byte) error {
		if !slices.ContainsFunc(o.args, func(p parameter) bool { return p.name == name }) {
			return badRequest(`Operation %q has no argument %s: it takes %s`, o.name, quote(name), o.allowed())
		}
		if a.values[name] != nil {
			return badRequest(`Operation %q has the argument %s twice`, o.name, quote(name))
		}
		if o.name != message.OpMerge && !json.Valid(value) {
			return errShape // a merge reads its records strictly itself
		}
		if string(value) != "null" {
			a.values[name] = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, o.missing(a.values)
}

// missing returns the error for arguments that are needed and not given.
func (o *operation) missing(values map[string][]byte) error {
	var names []string
	for _, p := range o.args {
		if p.required && values[p.name] == nil {
			names = append(names, strconv.Quote(p.name))
		}
	}
	if names == nil {
		return nil
	}
	return message.Errorf(message.StatusInternal, `Operation %q requires the following "args": %s`, o.name, strings.Join(names, ", "))
}

func (o *operation) allowed() string {
	if len(o.args) == 0 {
		return "none"
	}
	names := make([]string, len(o.args))
	for i, p := range o.args {
		names[i] = strconv.Quote(p.name)
	}
	return strings.Join(names, ", ")
}

func (a *arguments) fail(name, format string, args ...any) {
	if a.err == nil {
		a.err = badRequest("Operation %q: %q %s", a.op, name, fmt.Sprintf(format, args...))
	}
}

// integer reads a whole number from low to high; usual stands for none.
func (a *arguments) integer(name string, usual, low, high int64) int64 {
	value := a.values[name]
	if value == nil {
		return usual
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < low || n > high {
		a.fail(name, "is %s: it must be a whole number from %d to %d", clip(value), low, high)
	}
	return n
}

// boolean reads true or false; none stands for false.
func (a *arguments) boolean(name string) bool {
	switch value := a.values[name]; string(value) {
	case "", "false":
	case "true":
		return true
	default:
		a.fail(name, "is %s: it must be true or false", clip(value))
	}
	return false
}

// text reads a string and hands it on.
func (a *arguments) text(name string, set func([]byte) error) {
	value := a.values[name]
	if value == nil || a.err != nil {
		return
	}
	if value[0] != '"' {
		a.fail(name, "is %s: it must be a string", clip(value))
		return
	}
	text, err := unquote(value)
	if err != nil {
		a.fail(name, "is no valid JSON string: %v", err)
	} else if err := set([]byte(text)); err != nil {
		a.fail(name, "is wrong: %v", err)
	}
}

func (a *arguments) hash(name string) (h types.Hash) {
	a.text(name, h.UnmarshalText)
	return h
}

func (a *arguments) account(name string) (account types.Account) {
	a.text(name, account.UnmarshalText)
	return account
}

// topics reads an array of topics, each at most once.
func (a *arguments) topics(name string) []message.Topic {
	value := a.values[name]
	if value == nil {
		return nil
	}
	var list []message.Topic
	if err := json.Unmarshal(value, &list); err != nil || len(list) == 0 {
		a.fail(name, "is %s: it must be an array of %s", clip(value), topicNames)
		return nil
	}
	for _, t := range list {
		if !slices.Contains(allTopics, t) {
			a.fail(name, "names a topic %s: it must be an array of %s", quote(string(t)), topicNames)
			return nil
		}
	}
	return list
}
