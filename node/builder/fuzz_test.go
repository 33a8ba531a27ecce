package builder

import (
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/test/fuzzed"
)

// ruleBytes is what the compiler may take for a rule of the greatest length: it
// keeps a tree of it, several times.
const ruleBytes = 64 << 20

// FuzzRule compiles arbitrary text, and asks what compiles with any figures: it
// is answered, or there is an error, and it never takes long.
func FuzzRule(f *testing.F) {
	for _, rule := range []string{
		"pool.size >= 3", "pool.size >= 3 || idle >= duration('10s')", "pool.span >= duration('3m') && height % 2 == 0", "10 / pool.size > 2",
		"dyn(pool.size) > 'a'", "[1, 2].all(x, x > 0)", "string(height).matches('(a+)+$')", "{'a': idle}['a'] > pool.age", "\xff", "(((", "'\\x00' == b'a'",
		"timestamp('2026-01-01T00:00:00Z') + idle > timestamp('9999-12-31T23:59:59Z')", "size('aaaa' + string(pool.bytes)) in [1, 2, 3]",
	} {
		f.Add(rule, 3, int64(time.Second), uint64(7))
	}
	f.Add("height > 9223372036854775807", -1, int64(-1), uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, text string, size int, span int64, height uint64) {
		var r *Rule
		var err error
		fuzzed.Within(t, ruleBytes, func() { r, err = Compile(text) })
		fuzzed.Sentence(t, err)
		if err != nil {
			return
		}
		if r.String() != text || len(text) > MaxRuleBytes || strings.TrimSpace(text) == "" {
			t.Errorf("%q is taken as %q", text, r)
		}
		in := Inputs{Size: size, Bytes: size, Span: time.Duration(span), Age: time.Duration(span), Idle: time.Duration(span), Height: height}
		var now bool
		fuzzed.Within(t, ruleBytes, func() { now, err = r.Eval(in) })
		fuzzed.Sentence(t, err)
		if again, wrong := r.Eval(in); again != now || (wrong == nil) != (err == nil) {
			t.Errorf("%q says %v, %v and then %v, %v", text, now, err, again, wrong)
		}
	})
}
