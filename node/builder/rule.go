// Package builder decides when a validator makes a candidate block and what goes
// into it: builder rules, written in CEL, and the packing of waiting records.
package builder

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

const (
	// MaxRuleBytes is how long a rule may be. The rules people write take less
	// than a hundred characters.
	MaxRuleBytes = 1024
	// ruleCost is what one evaluation may cost, in CEL's units of about one
	// operation each. A rule has no loops, and one of numbers and durations has
	// fewer operations than bytes; only long texts it joins and matches cost more.
	ruleCost = MaxRuleBytes
	// ruleDepth is how deep parentheses and operators may nest.
	ruleDepth = 100
)

// The names that a rule may use.
const (
	poolSize  = "pool.size"
	poolBytes = "pool.bytes"
	poolSpan  = "pool.span"
	poolAge   = "pool.age"
	idle      = "idle"
	height    = "height"
)

const allowed = "a rule is a CEL expression without macros that gives a bool, over the ints pool.size, pool.bytes and height " +
	"and the durations pool.span, pool.age and idle, which compare with durations such as duration('90s')"

// Inputs are what a rule is asked about.
type Inputs struct {
	Size   int           // records in the pool, those that wait for others of their signer included
	Bytes  int           // their encoded size
	Span   time.Duration // the newest arrival minus the oldest; 0 for an empty pool
	Age    time.Duration // now minus the oldest arrival; 0 for an empty pool
	Idle   time.Duration // since the last block
	Height uint64        // of the block to come
}

// ResolveName implements cel.Activation.
func (in *Inputs) ResolveName(name string) (any, bool) {
	switch name {
	case poolSize:
		return types.Int(in.Size), true
	case poolBytes:
		return types.Int(in.Bytes), true
	case poolSpan:
		return types.Duration{Duration: in.Span}, true
	case poolAge:
		return types.Duration{Duration: in.Age}, true
	case idle:
		return types.Duration{Duration: in.Idle}, true
	case height:
		return types.Int(in.Height), true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (in *Inputs) Parent() cel.Activation { return nil }

// Rule is a compiled builder rule: when to make a candidate block. It may be
// asked by several goroutines at a time.
type Rule struct {
	text    string
	program cel.Program
	timely  bool
}

// environment knows the variables, and no macros: without all, exists and their
// like there are no loops, so that a rule costs no more than its length.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.ClearMacros(),
		cel.ParserRecursionLimit(ruleDepth),
		cel.ParserExpressionSizeLimit(MaxRuleBytes),
		cel.Variable(poolSize, cel.IntType),
		cel.Variable(poolBytes, cel.IntType),
		cel.Variable(poolSpan, cel.DurationType),
		cel.Variable(poolAge, cel.DurationType),
		cel.Variable(idle, cel.DurationType),
		cel.Variable(height, cel.IntType),
	)
})

// Compile parses and type-checks a rule. The error says what is wrong, at which
// column, and what is allowed.
func Compile(text string) (*Rule, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("builder rule: it is empty: write an expression such as %q", example)
	}
	if len(text) > MaxRuleBytes {
		return nil, fmt.Errorf("builder rule: it has %d bytes: at most %d are allowed", len(text), MaxRuleBytes)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("builder rule: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, explain(text, issues)
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("builder rule %q: it gives %s: it must give a bool, such as %q", clip(text), ast.OutputType(), example)
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(ruleCost))
	if err != nil {
		return nil, fmt.Errorf("builder rule %q: %s; %s", clip(text), plain(err.Error()), allowed)
	}
	r := &Rule{text: text, program: program}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		r.timely = r.timely || ref.Name == poolAge || ref.Name == idle
	}
	return r, nil
}

// example is a rule to learn from, for errors.
const example = "pool.size >= 3"

// explain turns the first thing that CEL found into a sentence.
func explain(text string, issues *cel.Issues) error {
	first := issues.Errors()[0]
	what := strings.ReplaceAll(first.Message, " (in container '')", "")
	what, _, _ = strings.Cut(what, " expecting {")                        // a list of all that CEL knows
	what = plain(strings.ReplaceAll(what, " (did you mean 'bool'?)", "")) // its guess at "pool"
	if first.Location.Column() < 0 {
		return fmt.Errorf("builder rule %q: %s; %s", clip(text), what, allowed)
	}
	where := fmt.Sprintf("column %d", first.Location.Column()+1)
	if line := first.Location.Line(); line > 1 {
		where = fmt.Sprintf("line %d, %s", line, where)
	}
	return fmt.Errorf("builder rule %q: %s: %s; %s", clip(text), where, what, allowed)
}

// clip keeps a rule quoted in an error short enough to read.
func clip(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// plain makes what CEL says of a rule, parts of which it quotes as they are, fit
// to be shown: text on one line, and not too long.
func plain(text string) string {
	const most = 300
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return utf8.RuneError
		}
		return c
	}, text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// String returns the rule as it was written.
func (r *Rule) String() string { return r.text }

// Timely reports whether the answer depends on the time, and not only on the
// pool and the height: whether it can change while nothing happens.
func (r *Rule) Timely() bool { return r.timely }

// Eval reports whether to make a candidate block now. The error, as of a
// division by zero, is the rule's own; it stands for no.
func (r *Rule) Eval(in Inputs) (bool, error) {
	out, _, err := r.program.Eval(&in)
	if err != nil {
		return false, fmt.Errorf("builder rule %q: %s", clip(r.text), plain(err.Error()))
	}
	return out == types.True, nil
}
