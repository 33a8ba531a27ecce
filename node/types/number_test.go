package types

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseWhole(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "9007199254740991": MaxAmount, "10": 10} {
		if n, err := ParseWhole(text, 1); n != want || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for text, want := range map[string]string{
		"":                 "is : it must be a whole number from 5 to 9007199254740991",
		"4":                "is 4: it must be a whole number from 5 to 9007199254740991",
		" 7":               "is  7: it must be a whole number from 5 to 9007199254740991",
		"7 ":               "is 7 : it must be a whole number from 5 to 9007199254740991",
		"+7":               "is +7: it must be a whole number from 5 to 9007199254740991",
		"7_000":            "is 7_000: it must be a whole number from 5 to 9007199254740991",
		"0x10":             "is 0x10: it must be a whole number from 5 to 9007199254740991",
		"seven":            "is seven: it must be a whole number from 5 to 9007199254740991",
		"7.0":              "is 7.0, written with a fraction or an exponent: it must be a whole number from 5 to 9007199254740991",
		"-7e1":             "is -7e1, written with a fraction or an exponent: it must be a whole number from 5 to 9007199254740991",
		"9007199254740992": "is 9007199254740992: it must be a whole number from 5 to 9007199254740991",
	} {
		if n, err := ParseWhole(text, 5); err == nil || err.Error() != want || n != 0 {
			t.Errorf("%q: %d, %v, want %s", text, n, err, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]Time{
		"0": 0, "0.000000001": 1, "0.1": 100_000_000, "1": 1_000_000_000, "1.10": 1_100_000_000,
		"1700000000.123456789": 1_700_000_000_123_456_789,
		// What a float would round: it holds no such nanosecond.
		"9007199254.740993001": 9_007_199_254_740_993_001,
		"9223372036.854775807": math.MaxInt64,
	} {
		if v, err := ParseTime(text); v != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", text, v, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-0", "-1", "+1", "1e3", "1.5e0", "0x1", "1.0000000000", "1_0", " 1", "1 ", "1.-5", "1.2.3", "NaN", "null", `"1"`,
		"9223372036.854775808", "9223372037", "18446744073", "99999999999999999999", "١",
	} {
		want := "is " + text + ": it must be seconds since 1970 as a plain JSON number, not negative, with at most nine decimals"
		if v, err := ParseTime(text); err == nil || err.Error() != want || v != 0 {
			t.Errorf("%q: %d, %v", text, v, err)
		}
	}
}

func TestTimeComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTime(t)
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Time
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%d is written %s and read as %d, %v", want, text, got, err)
		}
		if strings.Contains(string(text), ".") && strings.HasSuffix(string(text), "0") {
			t.Fatalf("%s ends in zeros", text)
		}
		if !want.Std().Equal(time.Unix(0, int64(want))) || TimeOf(want.Std()) != want || want.Add(time.Second).Sub(want) != time.Second {
			t.Fatalf("%d is not %v", want, want.Std())
		}
	})
}

// TestTimeAgreesWithRationals reads decimals a second way, by exact fractions.
func TestTimeAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,11}(\.[0-9]{1,10})?`).Draw(t, "text")
		exact, _ := new(big.Rat).SetString(text)
		exact.Mul(exact, big.NewRat(1_000_000_000, 1))
		_, frac, _ := strings.Cut(text, ".")
		fits := len(frac) <= 9 && exact.Num().IsInt64()
		got, err := ParseTime(text)
		if (err == nil) != fits || fits && int64(got) != exact.Num().Int64() {
			t.Fatalf("%s: %d, %v; want %v", text, got, err, exact)
		}
	})
}

func TestTimeBefore1970IsShown(t *testing.T) {
	for v, want := range map[Time]string{-1: "-0.000000001", -1_500_000_000: "-1.5", math.MinInt64: "-9223372036.854775808"} {
		if v.String() != want {
			t.Errorf("%d is shown as %s, want %s", v, v, want)
		}
	}
}

func TestAccountText(t *testing.T) {
	for text, kind := range map[string]AccountKind{keyA: Keyed, uuidA: Open, zero: Open} {
		for _, written := range []string{text, strings.ToUpper(text)} {
			a, err := ParseAccount(written)
			if err != nil || a.Kind != kind || a.String() != text {
				t.Errorf("%s: %v of kind %d, %v", written, a, a.Kind, err)
			}
		}
	}
	if mustAccount(zero) != Genesis {
		t.Error("the UUID of zeros is not GENESIS")
	}
	if (Account{}).String() != "" {
		t.Error("no account has a text")
	}
	for _, text := range []string{
		"", "GENESIS", uuidA[1:], uuidA + "0", "{" + uuidA + "}", "urn:uuid:" + uuidA, strings.ReplaceAll(uuidA, "-", ""), strings.ReplaceAll(uuidA, "-", "0"),
		keyA[1:], keyA + "0", "0x" + keyA[2:], strings.Repeat("é", 18), strings.Repeat("g", 64),
	} {
		want := fmt.Sprintf("%q %s", clip(text), noAccount)
		if a, err := ParseAccount(text); err == nil || err.Error() != want || a != (Account{}) {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
}

func TestAccountComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawAccount.Draw(t, "account")
		text, err := json.Marshal(map[Account]Account{want: want}) // as a key and as a value
		if err != nil {
			t.Fatal(err)
		}
		var got map[Account]Account
		if err := json.Unmarshal(text, &got); err != nil || len(got) != 1 || got[want] != want {
			t.Fatalf("%v is written %s and read as %v, %v", want, text, got, err)
		}
	})
}
