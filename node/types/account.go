package types

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// AccountKind tells keyed accounts from open ones.
type AccountKind uint8

// The kinds of account. The zero kind is no account at all.
const (
	NoAccount AccountKind = iota
	Keyed
	Open
)

// Account is who holds tokens: an ed25519 public key (keyed), or a UUID that
// anybody may spend from (open). It is comparable and can be a map's key.
type Account struct {
	Kind AccountKind
	id   [32]byte
}

// Genesis is the open account 00000000-0000-0000-0000-000000000000: a transfer
// from it is a mint.
var Genesis = Account{Kind: Open}

// KeyedAccount returns the account of a public key.
func KeyedAccount(key PublicKey) Account { return Account{Kind: Keyed, id: key} }

// OpenAccount returns the account of a UUID.
func OpenAccount(id uuid.UUID) Account {
	a := Account{Kind: Open}
	copy(a.id[:], id[:])
	return a
}

// ParseAccount reads 64 hex digits (keyed) or a UUID of 36 characters (open).
func ParseAccount(text string) (Account, error) {
	var a Account
	return a, a.UnmarshalText([]byte(text))
}

// Key returns the public key of a keyed account, and whether a is one.
func (a Account) Key() (PublicKey, bool) { return PublicKey(a.id), a.Kind == Keyed }

// Bytes returns the account's number without its kind: 32 bytes of a keyed
// account, 16 of an open one.
func (a Account) Bytes() []byte {
	if a.Kind == Keyed {
		return a.id[:]
	}
	return a.id[:16]
}

// String returns the account's text form; the empty string for no account.
func (a Account) String() string {
	switch a.Kind {
	case Keyed:
		return hex.EncodeToString(a.id[:])
	case Open:
		return uuid.UUID(a.id[:16]).String()
	}
	return ""
}

// MarshalText implements encoding.TextMarshaler.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it takes what ParseAccount
// takes.
func (a *Account) UnmarshalText(text []byte) error {
	switch len(text) {
	case 64:
		var key PublicKey
		if _, err := hex.Decode(key[:], text); err == nil {
			*a = KeyedAccount(key)
			return nil
		}
	case 36:
		if id, err := uuid.ParseBytes(text); err == nil {
			*a = OpenAccount(id)
			return nil
		}
	}
	return fmt.Errorf("%q is no account: it must be an ed25519 public key (64 hex digits) or a UUID (8-4-4-4-12 hex digits)", clip(string(text)))
}

func (e *Encoder) account(a Account) {
	e.Uint8(uint8(a.Kind))
	e.Fixed(a.Bytes())
}

func (d *Decoder) account() Account {
	a := Account{Kind: AccountKind(d.Uint8())}
	switch a.Kind {
	case Keyed:
		d.Fixed(a.id[:])
	case Open:
		d.Fixed(a.id[:16])
	default:
		d.fail("account kind %d: it must be 1 (keyed) or 2 (open)", a.Kind)
	}
	return a
}
