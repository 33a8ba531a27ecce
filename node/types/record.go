package types

import "fmt"

// RecordType says what a record does. Its number is part of the encoding.
type RecordType uint8

// The record types.
const (
	Transfer    RecordType = iota + 1 // moves tokens; from Genesis it mints them
	Reading                           // somebody's BPM
	StakeChange                       // the authority adds, changes or removes a validator
	Entry                             // a guest enters the draw, or brings a new reading
	Leave                             // a guest leaves the draw
)

var recordNames = [...]string{"", "transfer", "reading", "stake", "entry", "leave"}

// String returns the name used in JSON.
func (t RecordType) String() string {
	if t == 0 || int(t) >= len(recordNames) {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return recordNames[t]
}

// MaxNameBytes is how long a validator's name may be: what a DNS label holds.
const MaxNameBytes = 63

// MaxRecordBytes is the size no encoded record exceeds; the largest, a stake
// change with a long name, takes 220 bytes.
const MaxRecordBytes = 256

// usualRecordBytes is room for a signed transfer, which takes 155 bytes. Pools
// hold many: none has more room than it needs.
const usualRecordBytes = 160

// Record is one entry of a block, as it came: nobody has checked it. Which
// fields mean something depends on Type:
//
//	transfer  Sender, Receiver, Amount; Nonce and Signature if Sender is keyed
//	reading   Author, BPM; Nonce and Signature if Author is keyed
//	stake     Validator, VRFKey, Name, Stake (0 removes), Nonce; signed by the authority
//	entry     Session, Validator (the host), Amount (the balance), BPM, Nonce; signed by Session
//	leave     Session, Nonce; signed by Session
//
// A record does not change once Seal, DecodeRecord or UnmarshalJSON made it.
type Record struct {
	Type      RecordType
	Time      Time      // nanoseconds; stamped by the first node on open records
	Sender    Account   // transfer: who pays; reading: the author
	Receiver  Account   // transfer: who is paid
	Amount    uint64    // 1 to MaxAmount tokens
	BPM       uint64    // 0 to MaxAmount beats per minute
	Validator PublicKey // stake: whose stake; entry: the validator that hosts the guest
	VRFKey    PublicKey // stake: the validator's VRF key
	Name      string    // stake: the validator's name, 1 to MaxNameBytes bytes
	Stake     uint64    // stake: 0 (removes) to MaxAmount tokens
	Session   PublicKey // entry, leave: the guest's session key
	Nonce     uint64    // the signer's next number, from 0; 0 on open records
	Signature Signature // zero on open records

	raw []byte // the canonical encoding
	id  Hash
}

// Signer returns the key that must have signed the record; authority is the
// network's. ok is false for open records, which nobody signs.
func (r *Record) Signer(authority PublicKey) (key PublicKey, ok bool) {
	switch r.Type {
	case StakeChange:
		return authority, true
	case Entry, Leave:
		return r.Session, true
	}
	return r.Sender.Key()
}

// IsMint reports whether the record makes new tokens.
func (r *Record) IsMint() bool { return r.Type == Transfer && r.Sender == Genesis }

// ID is the SHA-256 of the canonical encoding, signature included.
func (r *Record) ID() Hash { return r.id }

// Raw is the canonical encoding; it must not be changed.
func (r *Record) Raw() []byte { return r.raw }

// Seal computes the encoding and the id of a record made in code. It is called
// once, when all fields are set. It returns r.
func (r *Record) Seal() *Record {
	e := NewEncoder("", usualRecordBytes)
	r.encodeBody(e)
	if r.signed() {
		e.Fixed(r.Signature[:])
	}
	r.raw = e.Data()
	r.id = SumHash(r.raw)
	return r
}

// Sign signs the record for a network with key and seals it. It returns r.
func (r *Record) Sign(network Hash, key PrivateKey) *Record {
	r.Signature = key.Sign(r.SignBytes(network))
	return r.Seal()
}

const recordDomain = "posnet/record/v1"

// SignBytes is what a record's signature covers: domain, network, and the
// canonical encoding without the signature.
func (r *Record) SignBytes(network Hash) []byte {
	e := NewEncoder(recordDomain, len(network)+MaxRecordBytes)
	e.Fixed(network[:])
	r.encodeBody(e)
	return e.Data()
}

func (r *Record) signed() bool {
	if r.Type == Transfer || r.Type == Reading {
		return r.Sender.Kind == Keyed
	}
	return true
}

func (r *Record) encodeBody(e *Encoder) {
	e.Uint8(uint8(r.Type))
	e.Uint64(uint64(r.Time))
	switch r.Type {
	case Transfer:
		e.account(r.Sender)
		e.account(r.Receiver)
		e.Uint64(r.Amount)
	case Reading:
		e.account(r.Sender)
		e.Uint64(r.BPM)
	case StakeChange:
		e.Fixed(r.Validator[:])
		e.Fixed(r.VRFKey[:])
		e.Bytes([]byte(r.Name))
		e.Uint64(r.Stake)
	case Entry:
		e.Fixed(r.Session[:])
		e.Fixed(r.Validator[:])
		e.Uint64(r.Amount)
		e.Uint64(r.BPM)
	case Leave:
		e.Fixed(r.Session[:])
	}
	if r.signed() {
		e.Uint64(r.Nonce)
	}
}

// DecodeRecord reads one record that fills raw, which must not change
// afterwards. It checks the form and the ranges, not the signature.
func DecodeRecord(raw []byte) (*Record, error) {
	if len(raw) > MaxRecordBytes {
		return nil, fmt.Errorf("a record of %d bytes: at most %d are allowed", len(raw), MaxRecordBytes)
	}
	d := NewDecoder(raw)
	r := &Record{Type: RecordType(d.Uint8()), Time: Time(d.Uint64())}
	r.decodeBody(d)
	if r.signed() {
		r.Nonce = d.Uint64()
		d.Fixed(r.Signature[:])
	}
	if err := d.Finish(); err != nil {
		return nil, err
	}
	if err := r.CheckForm(); err != nil {
		return nil, err
	}
	r.raw, r.id = raw, SumHash(raw)
	return r, nil
}

func (r *Record) decodeBody(d *Decoder) {
	switch r.Type {
	case Transfer:
		r.Sender, r.Receiver, r.Amount = d.account(), d.account(), d.Uint64()
	case Reading:
		r.Sender, r.BPM = d.account(), d.Uint64()
	case StakeChange:
		d.Fixed(r.Validator[:])
		d.Fixed(r.VRFKey[:])
		r.Name = string(d.Bytes(MaxNameBytes))
		r.Stake = d.Uint64()
	case Entry:
		d.Fixed(r.Session[:])
		d.Fixed(r.Validator[:])
		r.Amount, r.BPM = d.Uint64(), d.Uint64()
	case Leave:
		d.Fixed(r.Session[:])
	default:
		d.fail("record type %d: it must be 1 to %d", r.Type, Leave)
	}
}

// FieldError says which field of a record is wrong, and why.
type FieldError struct {
	Field  string // the name in JSON
	Reason string // continues the sentence "amount …"
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

func fieldError(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// CheckForm checks what can be known without state: ranges and names. The
// error is a *FieldError.
func (r *Record) CheckForm() error {
	if r.Time < 0 {
		return fieldError("t", "is before 1970: it must be seconds since 1970, not negative")
	}
	if r.Nonce > MaxAmount {
		return fieldError("nonce", "is %d: it must be a whole number from 0 to %d", r.Nonce, MaxAmount)
	}
	switch r.Type {
	case Transfer:
		if r.Receiver == Genesis {
			return fieldError("receiver", "is GENESIS (%s), which only gives: name an account", Genesis)
		}
		return checkRange("amount", r.Amount, 1)
	case Reading:
		if r.Sender == Genesis {
			return fieldError("author", "is GENESIS (%s), which has no pulse: name an account", Genesis)
		}
		return checkRange("bpm", r.BPM, 0)
	case StakeChange:
		if err := CheckName(r.Name); err != nil {
			return err
		}
		return checkRange("stake", r.Stake, 0)
	case Entry:
		if err := checkRange("bpm", r.BPM, 0); err != nil {
			return err
		}
		return checkRange("balance", r.Amount, 1)
	}
	return nil
}

func checkRange(field string, v, low uint64) error {
	if v < low || v > MaxAmount {
		return fieldError(field, "is %d: it must be a whole number from %d to %d", v, low, MaxAmount)
	}
	return nil
}

// CheckName checks a validator's name: 1 to MaxNameBytes of what a DNS label may
// have. The error is a *FieldError.
func CheckName(name string) error {
	good := name != "" && len(name) <= MaxNameBytes
	for _, c := range []byte(name) {
		good = good && (c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z')
	}
	if !good {
		return fieldError("name", "is %q: it must have 1 to %d lower-case letters, digits or hyphens", clip(name), MaxNameBytes)
	}
	return nil
}
