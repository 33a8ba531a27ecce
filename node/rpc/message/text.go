package message

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/posnet/posnet/node/types"
)

// Hex is bytes that stand in JSON as hexadecimal text, two digits a byte.
type Hex []byte

// MarshalText implements encoding.TextMarshaler.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%.64q is not hexadecimal: use an even number of the digits 0-9 and a-f", text)
	}
	*h = b
	return nil
}

// timestampLayout always has nine decimals, so that texts sort as their times
// do and a header can be hashed again from its JSON.
const timestampLayout = "2006-01-02T15:04:05.000000000Z07:00"

// Timestamp is a time that stands in JSON as RFC 3339 text in UTC with nine
// decimals. The zero Timestamp is no time, and null in JSON.
type Timestamp types.Time

// String returns the text form.
func (t Timestamp) String() string { return types.Time(t).Std().Format(timestampLayout) }

// MarshalJSON implements json.Marshaler.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler; it takes any RFC 3339 text.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = 0
		return nil
	}
	v, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err != nil {
		return fmt.Errorf("%.64q is no time: it must be RFC 3339 text such as \"2006-01-02T15:04:05Z\"", bytes.Trim(b, `"`))
	}
	*t = Timestamp(types.TimeOf(v))
	return nil
}
