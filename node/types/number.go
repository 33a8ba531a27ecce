package types

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxAmount is the largest amount, stake or balance: 2^53 - 1, what every JSON
// reader holds exactly. All that was ever minted stays within it too.
const MaxAmount uint64 = 1<<53 - 1

// ParseWhole reads a JSON number that is a whole number from low to
// MaxAmount. The error says what was wrong and what is allowed.
func ParseWhole(text string, low uint64) (uint64, error) {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, wholeError(text, "", low)
	}
	if strings.ContainsAny(text, ".eE") {
		return 0, wholeError(text, ", written with a fraction or an exponent", low)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > MaxAmount {
		return 0, wholeError(text, "", low)
	}
	return n, nil
}

func wholeError(text, how string, low uint64) error {
	return fmt.Errorf("is %s%s: it must be a whole number from %d to %d", clip(text), how, low, MaxAmount)
}

// clip makes a value fit to be shown in an error: short, on one line, and text.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		end := most
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s)
}

// Time is nanoseconds since the Unix epoch. In JSON it is a number of seconds
// with at most nine decimals, read and written as decimals, never as a float.
type Time int64

// TimeOf converts a time.Time.
func TimeOf(t time.Time) Time { return Time(t.UnixNano()) }

// Std converts to a time.Time in UTC.
func (t Time) Std() time.Time { return time.Unix(0, int64(t)).UTC() }

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// String writes seconds with as many decimals as are needed.
func (t Time) String() string {
	if t < 0 {
		return "-" + seconds(-uint64(t))
	}
	return seconds(uint64(t))
}

func seconds(nanos uint64) string {
	b := strconv.AppendUint(make([]byte, 0, 20), nanos/1e9, 10)
	if nanos %= 1e9; nanos == 0 {
		return string(b)
	}
	b = append(b, '.')
	for unit := uint64(1e8); nanos > 0; unit /= 10 {
		b = append(b, '0'+byte(nanos/unit))
		nanos %= unit
	}
	return string(b)
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	v, err := ParseTime(string(b))
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// ParseTime reads seconds since the epoch, from 0 to about 9.2e9, with at most
// nine decimals and no exponent.
func ParseTime(text string) (Time, error) {
	whole, frac, dotted := strings.Cut(text, ".")
	if dotted && (frac == "" || len(frac) > 9) || !digits(whole) || frac != "" && !digits(frac) {
		return 0, timeError(text)
	}
	nanos, err := strconv.ParseInt(whole+frac+"000000000"[len(frac):], 10, 64)
	if err != nil {
		return 0, timeError(text)
	}
	return Time(nanos), nil
}

func timeError(text string) error {
	return fmt.Errorf("is %s: it must be seconds since 1970 as a plain JSON number, not negative, with at most nine decimals", clip(text))
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
