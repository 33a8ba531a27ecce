package builder

import (
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRules(t *testing.T) {
	for _, c := range []struct {
		rule   string
		in     Inputs
		want   bool
		timely bool
	}{
		{"pool.size >= 3", Inputs{Size: 2}, false, false},
		{"pool.size >= 3", Inputs{Size: 3}, true, false},
		{"pool.span >= duration('3m')", Inputs{Size: 2, Span: 3*time.Minute - 1}, false, false},
		{"pool.span >= duration('3m')", Inputs{Size: 2, Span: 3 * time.Minute}, true, false},
		{"pool.size >= 3 || idle >= duration('10s')", Inputs{Size: 1, Idle: 9 * time.Second}, false, true},
		{"pool.size >= 3 || idle >= duration('10s')", Inputs{Size: 1, Idle: 10 * time.Second}, true, true},
		{"pool.size >= 3 || idle >= duration('10s')", Inputs{Size: 3}, true, true},
		{"pool.age > duration('1.5s')", Inputs{Age: 1500 * time.Millisecond}, false, true},
		{"pool.age > duration('1.5s')", Inputs{Age: 1501 * time.Millisecond}, true, true},
		{"pool.bytes >= 1024 && height % 2 == 0", Inputs{Bytes: 1024, Height: 4}, true, false},
		{"pool.bytes >= 1024 && height % 2 == 0", Inputs{Bytes: 1024, Height: 5}, false, false},
		{"height < 10 ? pool.size >= 1 : pool.size >= 100", Inputs{Size: 1, Height: 9}, true, false},
		{"pool.size > 0 && pool.bytes / pool.size < 200", Inputs{}, false, false},
		{"!(pool.size in [0, 1, 2])", Inputs{Size: 2}, false, false},
		{"\n  pool.size >= 1 // a word on it\n", Inputs{Size: 1}, true, false},
		{"true", Inputs{}, true, false},
		{strings.Repeat("pool.size>0&&", 78) + "true", Inputs{Size: 1}, true, false}, // as long as may be
	} {
		r, err := Compile(c.rule)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got, err := r.Eval(c.in)
		if got != c.want || err != nil {
			t.Errorf("%q of %+v is %v (%v), want %v", c.rule, c.in, got, err, c.want)
		}
		if r.Timely() != c.timely || r.String() != c.rule {
			t.Errorf("%q depends on the time: %v, want %v; it reads %q", c.rule, r.Timely(), c.timely, r)
		}
	}
}

func TestBadRules(t *testing.T) {
	const fix = "; a rule is a CEL expression without macros that gives a bool, over the ints pool.size, pool.bytes and height " +
		"and the durations pool.span, pool.age and idle, which compare with durations such as duration('90s')"
	for _, c := range []struct{ rule, want string }{
		{"", `builder rule: it is empty: write an expression such as "pool.size >= 3"`},
		{" \n", `builder rule: it is empty: write an expression such as "pool.size >= 3"`},
		{strings.Repeat(" ", 1024) + "true", "builder rule: it has 1028 bytes: at most 1024 are allowed"},
		{"pool.sise >= 3", `builder rule "pool.sise >= 3": column 5: undeclared reference to 'pool.sise' (did you mean 'pool.size'?)` + fix},
		{"pool.size >= 3 &&\n size > 1", `builder rule "pool.size >= 3 &&\n size > 1": line 2, column 2: undeclared reference to 'size'` + fix},
		{"pool.size >=", `builder rule "pool.size >=": column 13: Syntax error: mismatched input '<EOF>'` + fix},
		{"pool.size => 3", `builder rule "pool.size => 3": column 11: Syntax error: token recognition error at: '=>'` + fix},
		{"pool.size >= '3'", `builder rule "pool.size >= '3'": column 11: found no matching overload for '_>=_' applied to '(int, string)'` + fix},
		{"idle >= 10", `builder rule "idle >= 10": column 6: found no matching overload for '_>=_' applied to '(duration, int)'` + fix},
		{"pool.size", `builder rule "pool.size": it gives int: it must give a bool, such as "pool.size >= 3"`},
		{"dyn(true)", `builder rule "dyn(true)": it gives dyn: it must give a bool, such as "pool.size >= 3"`},
		{"idle >= duration('ten')", `builder rule "idle >= duration('ten')": type conversion error from 'string' to 'google.protobuf.Duration'` + fix},
		{"[1, 2].all(x, x > 0)", `builder rule "[1, 2].all(x, x > 0)": column 11: undeclared reference to 'all'` + fix},
		{"wait()", `builder rule "wait()": column 5: undeclared reference to 'wait'` + fix},
		{"\xff", "builder rule \"\\xff\": column 1: Syntax error: token recognition error at: '\ufffd'" + fix},
	} {
		r, err := Compile(c.rule)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q compiles to %v, with the error\n  %v\nwant\n  %s", c.rule, r, err, c.want)
		}
	}
	deep := strings.Repeat("(", 400) + "true" + strings.Repeat(")", 400)
	if _, err := Compile(deep); err == nil || !strings.Contains(err.Error(), "expression recursion limit exceeded: 100") || len(err.Error()) > 500 {
		t.Errorf("a deep rule gives %v", err)
	}
}

// TestRulesThatFail checks that what goes wrong while a rule is asked is an error
// that names the rule, and stands for no.
func TestRulesThatFail(t *testing.T) {
	join := "('" + strings.Repeat("x", 400) + "'" + strings.Repeat("+string(height)", 20) + ")"
	for _, c := range []struct{ rule, want string }{
		{"10 / pool.size > 2", `builder rule "10 / pool.size > 2": division by zero`},
		{"height * 9223372036854775807 > 0", `builder rule "height * 9223372036854775807 > 0": integer overflow`},
		{"dyn(pool.size) > 'a'", `builder rule "dyn(pool.size) > 'a'": no such overload`},
		{join + ".matches('" + strings.Repeat("x?", 100) + "')", `builder rule "` + join[:120] + `…": operation cancelled: actual cost limit exceeded`},
	} {
		r, err := Compile(c.rule)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got, err := r.Eval(Inputs{Height: 3})
		if got || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q is %v with the error\n  %v\nwant\n  %s", c.rule, got, err, c.want)
		}
	}
}

// TestNoRulePanics throws mangled expressions at the compiler, and figures of
// all sizes at what compiles.
func TestNoRulePanics(t *testing.T) {
	words := []string{"pool.size", "pool.bytes", "pool.span", "pool.age", "idle", "height", "pool", ".", "(", ")", "[", "]", "{", "}",
		"duration('1s')", "timestamp('2026-01-01T00:00:00Z')", "'a'", "1", "0", "-1", "1.5", "true", "null", "9223372036854775807",
		">=", "<", "==", "+", "-", "*", "/", "%", "!", "&&", "||", "?", ":", "in", ",", "size(", "int(", "string(", "dyn(", "matches("}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 12).Draw(t, "words"), " ")
		r, err := Compile(text)
		if err != nil {
			return
		}
		in := Inputs{
			Size: rapid.Int().Draw(t, "size"), Bytes: rapid.Int().Draw(t, "bytes"), Height: rapid.Uint64().Draw(t, "height"),
			Span: time.Duration(rapid.Int64().Draw(t, "span")), Age: time.Duration(rapid.Int64().Draw(t, "age")), Idle: time.Duration(rapid.Int64().Draw(t, "idle")),
		}
		_, _ = r.Eval(in)
	})
}

// TestRuleFromManyGoroutines is for -race.
func TestRuleFromManyGoroutines(t *testing.T) {
	r, err := Compile("pool.size >= 3 || idle >= duration('10s')")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for size := range 6 {
		all.Go(func() {
			for range 100 {
				if got, err := r.Eval(Inputs{Size: size}); got != (size >= 3) || err != nil {
					t.Errorf("with %d records the rule is %v (%v)", size, got, err)
				}
			}
		})
	}
	all.Wait()
}
