package types

import (
	"encoding/hex"
	"strconv"
)

// UnmarshalJSON reads a record as a client gives it. Missing fields, fields of
// another record type, fields given twice and wrong values are errors that name
// the field (a *FieldError); so is an unknown field, in other words. An open
// record may lack t: whoever takes it in stamps it and calls Seal; every other
// record comes out sealed. Nothing of b is kept.
func (r *Record) UnmarshalJSON(b []byte) error {
	var m members
	if err := m.scan(b); err != nil {
		return err
	}
	p := fieldParser{members: &m}
	*r = Record{Type: p.recordType()}
	r.parseBody(&p)
	p.leftOver(r.Type)
	timed := m[fieldT] != nil
	if timed || r.signed() {
		r.Time = p.time()
	}
	if p.err == nil && r.signed() {
		r.Nonce = p.whole(fieldNonce, 0)
		p.signature(&r.Signature)
	} else {
		p.absent(fieldNonce, "only signed records have one")
		p.absent(fieldSignature, "an open account has no key")
	}
	if p.err != nil {
		return p.err
	}
	if err := r.CheckForm(); err != nil {
		return err
	}
	if r.signed() || timed {
		r.Seal()
	}
	return nil
}

func (r *Record) parseBody(p *fieldParser) {
	switch r.Type {
	case Transfer:
		p.account(fieldSender, &r.Sender)
		p.account(fieldReceiver, &r.Receiver)
		r.Amount = p.whole(fieldAmount, 1)
	case Reading:
		p.account(fieldAuthor, &r.Sender)
		r.BPM = p.whole(fieldBPM, 0)
	case StakeChange:
		p.key(fieldValidator, &r.Validator)
		p.key(fieldVRFKey, &r.VRFKey)
		r.Name = string(p.text(fieldName))
		r.Stake = p.whole(fieldStake, 0)
	case Entry:
		p.key(fieldSession, &r.Session)
		p.key(fieldValidator, &r.Validator)
		r.Amount = p.whole(fieldBalance, 1)
		r.BPM = p.whole(fieldBPM, 0)
	case Leave:
		p.key(fieldSession, &r.Session)
	}
}

// fieldParser takes fields out of members one by one and keeps the first error.
type fieldParser struct {
	members *members
	err     error
}

func (p *fieldParser) fail(f field, format string, args ...any) {
	if p.err == nil {
		p.err = fieldError(fieldNames[f], format, args...)
	}
}

// take returns the raw value of a field that may be there once only; nil after
// the first error.
func (p *fieldParser) take(f field, missing string) []byte {
	raw := p.members[f]
	p.members[f] = nil
	if p.err != nil {
		return nil
	}
	if raw == nil {
		p.fail(f, "%s", missing)
	}
	return raw
}

// leftOver fails if a field of another record type was not taken.
func (p *fieldParser) leftOver(t RecordType) {
	for f := fieldSender; f <= fieldBalance && p.err == nil; f++ {
		if p.members[f] != nil {
			p.absent(f, "a "+t.String()+" has none")
		}
	}
}

func (p *fieldParser) absent(f field, why string) {
	if raw := p.members[f]; raw != nil && string(raw) != "null" {
		p.fail(f, "does not belong here: %s", why)
	}
}

func (p *fieldParser) text(f field) []byte {
	raw := p.take(f, "is missing")
	if raw == nil {
		return nil
	}
	if raw[0] != '"' {
		p.fail(f, "is %s: it must be a string", clip(string(raw)))
		return nil
	}
	return unquote(raw)
}

func (p *fieldParser) account(f field, a *Account) {
	text := p.text(f)
	if p.err != nil {
		return
	}
	if err := a.UnmarshalText(text); err != nil {
		p.fail(f, "is wrong: %v", err)
	}
}

func (p *fieldParser) key(f field, k *PublicKey) {
	text := p.text(f)
	if p.err != nil {
		return
	}
	if err := k.UnmarshalText(text); err != nil {
		p.fail(f, "is wrong: %v", err)
	}
}

func (p *fieldParser) signature(s *Signature) {
	text := p.text(fieldSignature)
	if p.err != nil {
		return
	}
	if err := s.UnmarshalText(text); err != nil {
		p.fail(fieldSignature, "is wrong: %v", err)
	}
}

func (p *fieldParser) whole(f field, low uint64) uint64 {
	if p.members[f] == nil && p.err == nil {
		p.fail(f, "is missing: it must be a whole number from %d to %d", low, MaxAmount)
	}
	raw := p.take(f, "is missing")
	if raw == nil {
		return 0
	}
	v, err := ParseWhole(string(raw), low)
	if err != nil {
		p.fail(f, "%v", err)
	}
	return v
}

func (p *fieldParser) time() Time {
	raw := p.take(fieldT, "is missing: the sender of a signed record gives its time, in seconds since 1970")
	if raw == nil {
		return 0
	}
	t, err := ParseTime(string(raw))
	if err != nil {
		p.fail(fieldT, "%v", err)
	}
	return t
}

func (p *fieldParser) recordType() RecordType {
	raw := p.members[fieldType]
	if raw == nil {
		return Transfer
	}
	if raw[0] == '"' {
		name := string(unquote(raw))
		for t := Transfer; t <= Leave; t++ {
			if name == recordNames[t] {
				return t
			}
		}
	}
	p.fail(fieldType, `is %s: it must be "transfer", "reading", "stake", "entry" or "leave"`, clip(string(raw)))
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
func (v RecordView) MarshalJSON() ([]byte, error) { return v.AppendJSON(make([]byte, 0, 512)), nil }

// AppendJSON appends what MarshalJSON returns to b.
func (v RecordView) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	b = v.appendFields(b)
	b = append(b, `,"t":`...)
	b = append(b, v.Time.String()...)
	b = append(b, `,"prev_hash":`...)
	if v.Prev.IsZero() {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = append(hex.AppendEncode(b, v.Prev[:]), '"')
	}
	if v.WithID {
		b = appendHex(b, "id", v.id[:])
	}
	return append(b, '}')
}

// MarshalJSON writes the record as a client would send it: an open record that
// nobody stamped yet goes without t.
func (r *Record) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 512), '{')
	b = r.appendFields(b)
	if r.Time != 0 || r.signed() || r.raw != nil {
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
		b = appendAccount(b, "sender", r.Sender)
		b = appendAccount(b, "receiver", r.Receiver)
		b = appendNumber(b, "amount", r.Amount)
	case Reading:
		b = appendAccount(b, "author", r.Sender)
		b = appendNumber(b, "bpm", r.BPM)
	case StakeChange:
		b = appendHex(b, "validator", r.Validator[:])
		b = appendHex(b, "vrfKey", r.VRFKey[:])
		b = appendString(b, "name", r.Name)
		b = appendNumber(b, "stake", r.Stake)
	case Entry:
		b = appendHex(b, "session", r.Session[:])
		b = appendHex(b, "validator", r.Validator[:])
		b = appendNumber(b, "balance", r.Amount)
		b = appendNumber(b, "bpm", r.BPM)
	case Leave:
		b = appendHex(b, "session", r.Session[:])
	}
	if r.signed() {
		b = appendNumber(b, "nonce", r.Nonce)
		b = appendHex(b, "signature", r.Signature[:])
	}
	return b
}

// appendHex writes a member whose value is hexadecimal text.
func appendHex(b []byte, name string, value []byte) []byte {
	b = append(appendName(b, name), '"')
	return append(hex.AppendEncode(b, value), '"')
}

func appendAccount(b []byte, name string, a Account) []byte {
	if a.Kind == Keyed {
		return appendHex(b, name, a.id[:])
	}
	return appendString(b, name, a.String())
}

// appendString writes a member whose value needs no escaping: UUIDs and the
// names of validators and record types.
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
