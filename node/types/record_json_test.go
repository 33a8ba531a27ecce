package types

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func sameRecord(a, b *Record) bool { return reflect.DeepEqual(a, b) }

func TestRecordJSONComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord.Draw(t, "record")
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil || !sameRecord(r, &back) {
			t.Fatalf("%s reads as %+v, %v; want %+v", text, back, err, r)
		}
	})
}

// What a node shows may be given back to it.
func TestRecordViewComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord.Draw(t, "record")
		v := RecordView{Record: r, WithID: rapid.Bool().Draw(t, "with id")}
		if rapid.Bool().Draw(t, "first") {
			v.Prev = draw32(t, "prev")
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil || !sameRecord(r, &back) {
			t.Fatalf("%s reads as %+v, %v; want %+v", text, back, err, r)
		}
		if bytes.Contains(text, []byte(`"id"`)) != v.WithID {
			t.Fatalf("id shown against the wish: %s", text)
		}
	})
}

const (
	uuidA = "bc70b89d-4521-454c-bebc-6c2456074bf2"
	keyA  = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
	zero  = "00000000-0000-0000-0000-000000000000"
	sigA  = "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
)

func TestRecordView(t *testing.T) {
	r := &Record{Type: Transfer, Time: 1_500_000_000, Sender: Genesis, Receiver: mustAccount(uuidA), Amount: 10000}
	text, err := json.Marshal(RecordView{Record: r.Seal()})
	want := `{"sender":"` + zero + `","receiver":"` + uuidA + `","amount":10000,"t":1.5,"prev_hash":null}`
	if err != nil || string(text) != want {
		t.Errorf("shown as %s, want %s, %v", text, want, err)
	}
}

func mustAccount(text string) Account {
	a, err := ParseAccount(text)
	if err != nil {
		panic(err)
	}
	return a
}

// An open record without t is stamped later; all others come out sealed.
func TestRecordJSONSeals(t *testing.T) {
	var r Record
	text := ` { "amount" : 10 , "receiver" : "` + strings.ToUpper(uuidA) + `" , "sender" : "` + zero + `" } `
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Raw() != nil || !r.ID().IsZero() || !r.IsMint() || r.Receiver.String() != uuidA {
		t.Errorf("an open record without t is %+v", r)
	}
	r.Time = 7
	if r.Seal(); r.Raw() == nil {
		t.Error("not sealed")
	}
	for _, stamp := range []string{"0", "12.000000001"} {
		var r, back Record
		if err := json.Unmarshal([]byte(`{"sender":"`+zero+`","receiver":"`+uuidA+`","amount":10,"t":`+stamp+`}`), &r); err != nil || r.Raw() == nil {
			t.Fatalf("with t it is sealed: %v", err)
		}
		text, _ := json.Marshal(&r)
		if err := json.Unmarshal(text, &back); err != nil || !sameRecord(&r, &back) {
			t.Errorf("%s came back as %+v", text, back)
		}
	}
}

// Nothing of the text is kept: whoever read it may use the room again.
func TestRecordJSONKeepsNothing(t *testing.T) {
	r := (&Record{Type: StakeChange, Name: "alice", Validator: testKeys[1].Public(), Stake: 5}).Sign(testNetwork, testKeys[0])
	text, _ := json.Marshal(r)
	var got Record
	if err := got.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	if !sameRecord(r, &got) {
		t.Errorf("the record changed with the text: %+v", got)
	}
}

// with returns a transfer's JSON with members replaced; a value of "-" takes
// the member out.
func with(changes ...string) string {
	names := []string{"sender", "receiver", "amount"}
	values := map[string]string{"sender": quoted(zero), "receiver": quoted(uuidA), "amount": "10"}
	for i := 0; i < len(changes); i += 2 {
		if _, ok := values[changes[i]]; !ok {
			names = append(names, changes[i])
		}
		values[changes[i]] = changes[i+1]
	}
	var members []string
	for _, n := range names {
		if values[n] != "-" {
			members = append(members, quoted(n)+":"+values[n])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func quoted(s string) string { return `"` + s + `"` }

// signed is with for a transfer of a keyed account.
func signed(changes ...string) string {
	return with(append([]string{"sender", quoted(keyA), "nonce", "0", "signature", quoted(sigA), "t", "1"}, changes...)...)
}

const (
	wholeFrom1 = "it must be a whole number from 1 to 9007199254740991"
	wholeFrom0 = "it must be a whole number from 0 to 9007199254740991"
	asTime     = "it must be seconds since 1970 as a plain JSON number, not negative, with at most nine decimals"
	noAccount  = "is no account: it must be an ed25519 public key (64 hex digits) or a UUID (8-4-4-4-12 hex digits)"
	types      = `it must be "transfer", "reading", "stake", "entry" or "leave"`
)

var badRecords = []struct{ text, want string }{
	{with("amount", "-5"), "amount is -5: " + wholeFrom1},
	{with("amount", "0"), "amount is 0: " + wholeFrom1},
	{with("amount", "-0"), "amount is -0: " + wholeFrom1},
	{with("amount", "1.5"), "amount is 1.5, written with a fraction or an exponent: " + wholeFrom1},
	{with("amount", "1.0"), "amount is 1.0, written with a fraction or an exponent: " + wholeFrom1},
	{with("amount", "1e3"), "amount is 1e3, written with a fraction or an exponent: " + wholeFrom1},
	{with("amount", "1E+400"), "amount is 1E+400, written with a fraction or an exponent: " + wholeFrom1},
	{with("amount", "9007199254740992"), "amount is 9007199254740992: " + wholeFrom1},
	{with("amount", "18446744073709551617"), "amount is 18446744073709551617: " + wholeFrom1},
	{with("amount", strings.Repeat("9", 100)), "amount is " + strings.Repeat("9", 64) + "…: " + wholeFrom1},
	{with("amount", `"10"`), `amount is "10": ` + wholeFrom1},
	{with("amount", "null"), "amount is null: " + wholeFrom1},
	{with("amount", "true"), "amount is true: " + wholeFrom1},
	{with("amount", "[1, 2]"), "amount is [1, 2]: " + wholeFrom1},
	{with("amount", `{"of": 3}`), `amount is {"of": 3}: ` + wholeFrom1},
	{with("amount", "-"), "amount is missing: " + wholeFrom1},
	{with("sender", "-"), "sender is missing"},
	{with("sender", "null"), "sender is null: it must be a string"},
	{with("sender", "7"), "sender is 7: it must be a string"},
	{with("sender", `["a"]`), `sender is ["a"]: it must be a string`},
	{with("sender", `""`), `sender is wrong: "" ` + noAccount},
	{with("sender", `"GENESIS"`), `sender is wrong: "GENESIS" ` + noAccount},
	{with("receiver", quoted("g"+keyA[1:])), `receiver is wrong: "g` + keyA[1:] + `" ` + noAccount},
	{with("receiver", quoted(strings.Repeat("x", 1000))), `receiver is wrong: "` + strings.Repeat("x", 64) + `…" ` + noAccount},
	{with("receiver", quoted("{"+uuidA[1:])), `receiver is wrong: "{` + uuidA[1:] + `" ` + noAccount},
	{with("receiver", quoted(zero)), "receiver is GENESIS (" + zero + "), which only gives: name an account"},
	{with("t", "-1"), "t is -1: " + asTime},
	{with("t", "1e9"), "t is 1e9: " + asTime},
	{with("t", "1.0000000001"), "t is 1.0000000001: " + asTime},
	{with("t", "9223372037"), "t is 9223372037: " + asTime},
	{with("t", `"1"`), `t is "1": ` + asTime},
	{with("t", "null"), "t is null: " + asTime},
	{with("nonce", "1"), "nonce does not belong here: only signed records have one"},
	{with("signature", quoted(sigA)), "signature does not belong here: an open account has no key"},
	{with("bpm", "60"), "bpm does not belong here: a transfer has none"},
	{with("stake", "0"), "stake does not belong here: a transfer has none"},
	{with("memo", `"hi"`), `is no record: json: unknown field "memo"`},
	{with("Amount", "10"), `is no record: json: unknown field "Amount"`},
	{with("", "1"), `is no record: json: unknown field ""`},
	{with(strings.Repeat("x", 100), "1"), `is no record: json: unknown field "` + strings.Repeat("x", 64) + `…"`},
	{with("type", `"mint"`), `type is "mint": ` + types},
	{with("type", `"type 0"`), `type is "type 0": ` + types},
	{with("type", `""`), `type is "": ` + types},
	{with("type", "1"), "type is 1: " + types},
	{with("type", "null"), "type is null: " + types},
	{with("type", `"reading"`), "author is missing"},
	{signed("nonce", "-"), "nonce is missing: " + wholeFrom0},
	{signed("nonce", "-1"), "nonce is -1: " + wholeFrom0},
	{signed("nonce", "null"), "nonce is null: " + wholeFrom0},
	{signed("signature", "-"), "signature is missing"},
	{signed("signature", quoted(sigA[1:])), "signature is wrong: signature has 127 characters: it must have exactly 128 hex digits"},
	{signed("signature", quoted(sigA+"0")), "signature is wrong: signature has 129 characters: it must have exactly 128 hex digits"},
	{signed("signature", quoted("x"+sigA[1:])), `signature is wrong: signature "x` + sigA[1:] + `" is not hexadecimal: use the digits 0-9 and a-f`},
	{signed("signature", "5"), "signature is 5: it must be a string"},
	{signed("t", "-"), "t is missing: the sender of a signed record gives its time, in seconds since 1970"},
	{`{"type":"reading","author":"` + zero + `","bpm":5}`, "author is GENESIS (" + zero + "), which has no pulse: name an account"},
	{`{"type":"reading","author":"` + uuidA + `","bpm":-1}`, "bpm is -1: " + wholeFrom0},
	{`{"type":"reading","author":"` + uuidA + `","bpm":5,"amount":1}`, "amount does not belong here: a reading has none"},
	{`{"type":"stake","validator":"` + keyA + `","vrfKey":"` + keyA[2:] + `","name":"a","stake":1}`, "vrfKey is wrong: public key has 62 characters: it must have exactly 64 hex digits"},
	{`{"type":"stake","validator":"` + keyA + `","vrfKey":"` + keyA + `","name":"Ä b","stake":1,"nonce":0,"signature":"` + sigA + `","t":1}`, `name is "Ä b": it must have 1 to 63 lower-case letters, digits or hyphens`},
	{`{"type":"stake","validator":"` + keyA + `","vrfKey":"` + keyA + `","name":"","stake":1,"nonce":0,"signature":"` + sigA + `","t":1}`, `name is "": it must have 1 to 63 lower-case letters, digits or hyphens`},
	{`{"type":"entry","session":"` + keyA + `","validator":"` + keyA + `","balance":0,"bpm":5}`, "balance is 0: " + wholeFrom1},
	{`{"type":"leave"}`, "session is missing"},
	{`{"type":"leave","session":"` + keyA + `","validator":"` + keyA + `"}`, "validator does not belong here: a leave has none"},
	{with() + "x", "is no record: invalid character 'x' after top-level value"},
	{with() + with(), "is no record: invalid character '{' after top-level value"},
	{strings.Replace(with(), ",", ",,", 1), "is no record: invalid character ',' looking for beginning of object key string"},
	{strings.TrimSuffix(with(), "}") + ",}", "is no record: invalid character '}' looking for beginning of object key string"},
	{strings.TrimSuffix(with(), "}"), "is no record: unexpected end of JSON input"},
	{with("amount", "07"), "is no record: invalid character '7' after object key:value pair"},
	{with("amount", "0x7"), "is no record: invalid character 'x' after object key:value pair"},
	{with("amount", "+7"), "is no record: invalid character '+' looking for beginning of value"},
	{with("amount", "NaN"), "is no record: invalid character 'N' looking for beginning of value"},
	{with("sender", "\"a\nb\""), `is no record: invalid character '\n' in string literal`},
	{with("sender", `"\x"`), `is no record: invalid character 'x' in string escape code`},
	{with("amount", "[1"), "is no record: invalid character '}' after array element"},
	{"", "is no record: unexpected end of JSON input"},
	{"null", "is no record: it must be a JSON object, not null"},
	{" [1] ", "is no record: it must be a JSON object, not [1]"},
	{`"text"`, `is no record: it must be a JSON object, not "text"`},
	{"7", "is no record: it must be a JSON object, not 7"},
	{"{}", "sender is missing"},
	{`{"sender":"a","sender":"b"}`, "sender is there twice"},
	{`{"sender":null,"sender":null}`, "sender is there twice"},
	{with("id", "1", `\u0069d`, "2"), "id is there twice"},
}

func TestBadRecordJSON(t *testing.T) {
	for _, c := range badRecords {
		var r Record
		if err := r.UnmarshalJSON([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %v", c.text, err, c.want)
		}
		var field *FieldError
		if err := r.UnmarshalJSON([]byte(c.text)); errors.As(err, &field) == strings.HasPrefix(c.want, "is no record") {
			t.Errorf("%s: %v is a *FieldError: %v", c.text, err, field != nil)
		}
	}
}

func TestGoodRecordJSON(t *testing.T) {
	for _, text := range []string{
		with(), signed(), with("amount", "9007199254740991"), with("type", `"transfer"`), with("type", `"\u0074ransfer"`),
		with("sender", quoted(`\u0062`+uuidA[1:])), with("nonce", "null", "signature", "null", "bpm", "null"),
		with("prev_hash", "null", "id", `["anything"]`, "t", "0"), with("t", "9223372036.854775807"),
		signed("prev_hash", `{"a":{"b":[1,"}"]}}`), strings.ReplaceAll(with(), ",", " ,\r\n\t"),
	} {
		var r Record
		if err := r.UnmarshalJSON([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// slowRecord is the dumb second implementation: it reads the same text by way
// of encoding/json and maps.
func slowRecord(text []byte) error {
	names, values, err := slowMembers(text)
	if err != nil {
		return err
	}
	own := map[string][]string{
		"transfer": {"sender", "receiver", "amount"}, "reading": {"author", "bpm"}, "stake": {"validator", "vrfKey", "name", "stake"},
		"entry": {"session", "validator", "balance", "bpm"}, "leave": {"session"},
	}
	kind := "transfer"
	if v, ok := values["type"]; ok {
		if json.Unmarshal(v, &kind) != nil || v[0] != '"' {
			return errors.New("type")
		}
	}
	fields, ok := own[kind]
	isSigned := kind != "transfer" && kind != "reading" || len(slowText(values["sender"])+slowText(values["author"])) == 64
	if isSigned {
		fields = append(slices.Clone(fields), "nonce", "signature", "t")
	}
	for _, f := range fields {
		if ok = ok && values[f] != nil && slowValue(kind, f, values[f]); !ok {
			return fmt.Errorf("field %s", f)
		}
	}
	for _, n := range names {
		allowed := slices.Contains(append(fields, "type", "prev_hash", "id", "t"), n) || string(values[n]) == "null"
		if !allowed || n == "t" && !slowTime(values[n]) {
			return fmt.Errorf("field %s", n)
		}
	}
	if !ok {
		return fmt.Errorf("type %s", kind)
	}
	return nil
}

// slowMembers returns the members of an object, with their names in order;
// known names, each once.
func slowMembers(text []byte) (names []string, values map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(text, &values); err != nil || values == nil {
		return nil, nil, fmt.Errorf("no object: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.Token()
	for dec.More() {
		name, _ := dec.Token()
		var value json.RawMessage
		dec.Decode(&value)
		if slices.Contains(names, name.(string)) || !slices.Contains(fieldNames[:], name.(string)) {
			return nil, nil, fmt.Errorf("field %v", name)
		}
		names = append(names, name.(string))
	}
	return names, values, nil
}

func slowText(raw json.RawMessage) (s string) {
	json.Unmarshal(raw, &s)
	return s
}

func slowTime(raw json.RawMessage) bool {
	_, err := ParseTime(string(raw))
	return err == nil
}

func slowValue(kind, f string, raw json.RawMessage) bool {
	var n uint64
	switch f {
	case "amount", "balance", "bpm", "stake", "nonce":
		low := map[string]uint64{"amount": 1, "balance": 1}[f]
		return json.Unmarshal(raw, &n) == nil && string(raw) != "null" && n >= low && n <= MaxAmount
	case "t":
		return slowTime(raw)
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return false
	}
	switch f {
	case "sender", "receiver", "author":
		a, err := ParseAccount(s)
		return err == nil && (f == "sender" || a != Genesis)
	case "name":
		return regexp.MustCompile(`^[a-z0-9-]{1,63}$`).MatchString(s)
	case "signature":
		return new(Signature).UnmarshalText([]byte(s)) == nil
	}
	return new(PublicKey).UnmarshalText([]byte(s)) == nil
}

// TestRecordJSONAgreesWithEncodingJSON changes good texts a little.
func TestRecordJSONAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(drawRecord.Draw(t, "record"))
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			piece := rapid.SampledFrom([]string{"", "0", "-", ".", "e", `"`, `\`, ",", ":", "{", "}", "[", "]", "null", " ", "\x00", "é", `"t":1,`, `"id":{},`}).Draw(t, "piece")
			text = slices.Concat(text[:at], []byte(piece), text[at+rapid.IntRange(0, 1).Draw(t, "over"):])
		}
		var r Record
		if err, slow := r.UnmarshalJSON(text), slowRecord(text); (err == nil) != (slow == nil) {
			t.Fatalf("%s: error %v, but by encoding/json %v", text, err, slow)
		}
	})
}
