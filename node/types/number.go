package types

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxAmount is the largest amount, stake or balance: 2^53 - 1, what every JSON
// reader holds exactly. All that was ever minted stays within it too.
const MaxAmount uint64 = 1<<53 - 1

// ParseWhole reads a JSON number that is a whole number from low to
// MaxAmount. The error says what was wrong and what is allowed.
func ParseWhole(text string, low uint64) (uint64, error) {
	allowed := fmt.Sprintf("a whole number from %d to %d", low, MaxAmount)
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, fmt.Errorf("is %s: it must be %s", clip(text), allowed)
	}
	if strings.ContainsAny(text, ".eE") {
		return 0, fmt.Errorf("is %s, written with a fraction or an exponent: it must be %s", clip(text), allowed)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > MaxAmount {
		return 0, fmt.Errorf("is %s: it must be %s", clip(text), allowed)
	}
	return n, nil
}

// clip keeps a value quoted in an error short enough to read.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
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
	secs, nanos := int64(t)/1e9, int64(t)%1e9
	if nanos == 0 {
		return strconv.FormatInt(secs, 10)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%09d", secs, nanos), "0")
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
	const allowed = "seconds since 1970 as a plain JSON number, not negative, with at most nine decimals"
	bad := fmt.Errorf("is %s: it must be %s", clip(text), allowed)
	whole, frac, dotted := strings.Cut(text, ".")
	if dotted && (frac == "" || len(frac) > 9) || !digits(whole) || !digits("0"+frac) {
		return 0, bad
	}
	secs, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || secs >= math.MaxInt64/1_000_000_000 {
		return 0, bad
	}
	nanos, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil {
		return 0, bad
	}
	return Time(secs*1e9 + nanos), nil
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
