package types

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// recordJSON has the names that readers of the API know, in their order.
type recordJSON struct {
	Type      json.RawMessage `json:"type,omitempty"`
	Sender    json.RawMessage `json:"sender,omitempty"`
	Receiver  json.RawMessage `json:"receiver,omitempty"`
	Amount    json.RawMessage `json:"amount,omitempty"`
	Author    json.RawMessage `json:"author,omitempty"`
	BPM       json.RawMessage `json:"bpm,omitempty"`
	Validator json.RawMessage `json:"validator,omitempty"`
	VRFKey    json.RawMessage `json:"vrfKey,omitempty"`
	Name      json.RawMessage `json:"name,omitempty"`
	Stake     json.RawMessage `json:"stake,omitempty"`
	Session   json.RawMessage `json:"session,omitempty"`
	Balance   json.RawMessage `json:"balance,omitempty"`
	Nonce     json.RawMessage `json:"nonce,omitempty"`
	Signature json.RawMessage `json:"signature,omitempty"`
	T         json.RawMessage `json:"t,omitempty"`
	// What a node adds when it shows a record; taken and ignored when it comes back.
	PrevHash json.RawMessage `json:"prev_hash,omitempty"`
	ID       json.RawMessage `json:"id,omitempty"`
}

// UnmarshalJSON reads a record as a client gives it. Unknown fields, fields of
// another record type and wrong values are errors that name the field (a
// *FieldError). An open record may lack t: whoever takes it in stamps it and
// calls Seal; every other record comes out sealed.
func (r *Record) UnmarshalJSON(b []byte) error {
	var j recordJSON
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return fmt.Errorf("is no record: %w", err)
	}
	p := fieldParser{}
	*r = Record{Type: p.recordType(j.Type)}
	r.parseBody(&p, &j)
	r.Time = p.time(j.T, r.signed())
	if p.err == nil && r.signed() {
		r.Nonce = p.whole("nonce", j.Nonce, 0)
		p.text("signature", j.Signature, r.Signature.UnmarshalText)
	} else {
		p.absent("nonce", j.Nonce, "only signed records have one")
		p.absent("signature", j.Signature, "an open account has no key")
	}
	if p.err != nil {
		return p.err
	}
	if err := r.CheckForm(); err != nil {
		return err
	}
	if r.signed() || j.T != nil {
		r.Seal()
	}
	return nil
}

func (r *Record) parseBody(p *fieldParser, j *recordJSON) {
	own := map[string]bool{}
	account := func(field string, raw json.RawMessage, a *Account) {
		own[field] = true
		p.text(field, raw, a.UnmarshalText)
	}
	key := func(field string, raw json.RawMessage, k *PublicKey) {
		own[field] = true
		p.text(field, raw, k.UnmarshalText)
	}
	number := func(field string, raw json.RawMessage, low uint64) uint64 {
		own[field] = true
		return p.whole(field, raw, low)
	}
	switch r.Type {
	case Transfer:
		account("sender", j.Sender, &r.Sender)
		account("receiver", j.Receiver, &r.Receiver)
		r.Amount = number("amount", j.Amount, 1)
	case Reading:
		account("author", j.Author, &r.Sender)
		r.BPM = number("bpm", j.BPM, 0)
	case StakeChange:
		key("validator", j.Validator, &r.Validator)
		key("vrfKey", j.VRFKey, &r.VRFKey)
		own["name"] = true
		p.text("name", j.Name, func(b []byte) error { r.Name = string(b); return nil })
		r.Stake = number("stake", j.Stake, 0)
	case Entry:
		key("session", j.Session, &r.Session)
		key("validator", j.Validator, &r.Validator)
		r.Amount = number("balance", j.Balance, 1)
		r.BPM = number("bpm", j.BPM, 0)
	case Leave:
		key("session", j.Session, &r.Session)
	}
	for _, f := range []struct {
		name string
		raw  json.RawMessage
	}{
		{"sender", j.Sender}, {"receiver", j.Receiver}, {"amount", j.Amount}, {"author", j.Author}, {"bpm", j.BPM},
		{"validator", j.Validator}, {"vrfKey", j.VRFKey}, {"name", j.Name}, {"stake", j.Stake},
		{"session", j.Session}, {"balance", j.Balance},
	} {
		if !own[f.name] {
			p.absent(f.name, f.raw, "a "+r.Type.String()+" has none")
		}
	}
}

// fieldParser reads fields one by one and keeps the first error.
type fieldParser struct{ err error }

func (p *fieldParser) fail(field, format string, args ...any) {
	if p.err == nil {
		p.err = fieldError(field, format, args...)
	}
}

func (p *fieldParser) absent(field string, raw json.RawMessage, why string) {
	if raw != nil && string(raw) != "null" {
		p.fail(field, "does not belong here: %s", why)
	}
}

func (p *fieldParser) text(field string, raw json.RawMessage, set func([]byte) error) {
	if p.err != nil {
		return
	}
	if raw == nil {
		p.fail(field, "is missing")
		return
	}
	if raw[0] != '"' {
		p.fail(field, "is %s: it must be a string", clip(string(raw)))
		return
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			p.fail(field, "is no valid JSON string: %v", err)
			return
		}
		text = []byte(s)
	}
	if err := set(text); err != nil {
		p.fail(field, "is wrong: %v", err)
	}
}

func (p *fieldParser) whole(field string, raw json.RawMessage, low uint64) uint64 {
	if p.err != nil {
		return 0
	}
	if raw == nil {
		p.fail(field, "is missing: it must be a whole number from %d to %d", low, MaxAmount)
		return 0
	}
	v, err := ParseWhole(string(raw), low)
	if err != nil {
		p.fail(field, "%v", err)
	}
	return v
}

func (p *fieldParser) time(raw json.RawMessage, needed bool) Time {
	if p.err != nil || raw == nil && !needed {
		return 0
	}
	if raw == nil {
		p.fail("t", "is missing: the sender of a signed record gives its time, in seconds since 1970")
		return 0
	}
	t, err := ParseTime(string(raw))
	if err != nil {
		p.fail("t", "%v", err)
	}
	return t
}

func (p *fieldParser) recordType(raw json.RawMessage) RecordType {
	if raw == nil {
		return Transfer
	}
	for t := Transfer; t <= Leave; t++ {
		if string(raw) == strconv.Quote(t.String()) {
			return t
		}
	}
	p.fail("type", `is %s: it must be "transfer", "reading", "stake", "entry" or "leave"`, clip(string(raw)))
	return 0
}

// RecordView is how a record is shown: its own fields, then t, then prev_hash,
// the id of the record before it in the block (null for the first and in the
// pool), and the id where the reader asked for it.
type RecordView struct {
	*Record
	Prev   Hash
	WithID bool
}

// MarshalJSON implements json.Marshaler.
func (v RecordView) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 512), '{')
	b = v.appendFields(b)
	b = append(b, `,"t":`...)
	b = append(b, v.Time.String()...)
	b = append(b, `,"prev_hash":`...)
	if v.Prev.IsZero() {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendQuote(b, v.Prev.String())
	}
	if v.WithID {
		b = appendString(b, "id", v.id.String())
	}
	return append(b, '}'), nil
}

// MarshalJSON writes the record as a client would send it.
func (r *Record) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 512), '{')
	b = r.appendFields(b)
	if r.Time != 0 || r.signed() {
		b = append(b, `,"t":`...)
		b = append(b, r.Time.String()...)
	}
	return append(b, '}'), nil
}

func (r *Record) appendFields(b []byte) []byte {
	if r.Type != Transfer {
		b = appendString(b, "type", r.Type.String())
	}
	switch r.Type {
	case Transfer:
		b = appendString(b, "sender", r.Sender.String())
		b = appendString(b, "receiver", r.Receiver.String())
		b = appendNumber(b, "amount", r.Amount)
	case Reading:
		b = appendString(b, "author", r.Sender.String())
		b = appendNumber(b, "bpm", r.BPM)
	case StakeChange:
		b = appendString(b, "validator", r.Validator.String())
		b = appendString(b, "vrfKey", r.VRFKey.String())
		b = appendString(b, "name", r.Name)
		b = appendNumber(b, "stake", r.Stake)
	case Entry:
		b = appendString(b, "session", r.Session.String())
		b = appendString(b, "validator", r.Validator.String())
		b = appendNumber(b, "balance", r.Amount)
		b = appendNumber(b, "bpm", r.BPM)
	case Leave:
		b = appendString(b, "session", r.Session.String())
	}
	if r.signed() {
		b = appendNumber(b, "nonce", r.Nonce)
		b = appendString(b, "signature", r.Signature.String())
	}
	return b
}

// appendString writes a member whose value needs no escaping: hex, UUIDs and
// validator names.
func appendString(b []byte, name, value string) []byte {
	b = appendName(b, name)
	b = append(b, '"')
	b = append(b, value...)
	return append(b, '"')
}

func appendNumber(b []byte, name string, value uint64) []byte {
	return strconv.AppendUint(appendName(b, name), value, 10)
}

func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}
