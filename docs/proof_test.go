package docs_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/client/light"
	"github.com/posnet/posnet/node/rpc/message"
)

// hexBytes is bytes that stand in JSON as hexadecimal text.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// What a reader of protocol.md has of a proof, who has no code of posnet.
type (
	plainValidator struct {
		Name            string
		Key, VRFKey     hexBytes
		Stake, DrawFrom uint64
	}
	plainHeader struct {
		Network, Prev, RecordsRoot, State, Validators, NextValidators, Proof, Winner, Proposer hexBytes
		Height                                                                                 uint64
		Round, Records                                                                         uint32
		Time                                                                                   time.Time
	}
	plainCertificate struct {
		Height     uint64
		Round      uint32
		Block      hexBytes
		Signatures []struct{ Validator, Signature hexBytes }
	}
	plainProof struct {
		ID           hexBytes
		Index, Count uint32
		Path         []hexBytes
		Header       plainHeader
		Certificate  plainCertificate
		Validators   []plainValidator
	}
)

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func sum(parts ...[]byte) []byte {
	h := sha256.Sum256(bytes.Join(parts, nil))
	return h[:]
}

func (h *plainHeader) hash() []byte {
	return sum([]byte("posnet/header/v1"), h.Network, u64(h.Height), u32(h.Round), u64(uint64(h.Time.UnixNano())), h.Prev, h.RecordsRoot,
		u32(h.Records), h.State, h.Validators, h.NextValidators, h.Proof, h.Winner, h.Proposer)
}

func setHash(set []plainValidator) []byte {
	set = slices.Clone(set)
	slices.SortFunc(set, func(a, b plainValidator) int { return bytes.Compare(a.Key, b.Key) })
	text := []byte("posnet/validators/v1")
	for _, v := range set {
		text = slices.Concat(text, u32(uint32(len(v.Name))), []byte(v.Name), v.Key, v.VRFKey, u64(v.Stake), u64(v.DrawFrom))
	}
	return sum(text)
}

// certified is what steps 2 and 3 ask of a header and its certificate.
func certified(network []byte, trusted []plainValidator, h *plainHeader, c *plainCertificate) error {
	switch {
	case !bytes.Equal(h.Network, network):
		return fmt.Errorf("another network")
	case !bytes.Equal(h.Validators, setHash(trusted)):
		return fmt.Errorf("not the validators trusted")
	case !bytes.Equal(c.Block, h.hash()):
		return fmt.Errorf("the certificate is of another block")
	}
	signed := slices.Concat([]byte("posnet/vote/v1"), network, []byte{2}, u64(c.Height), u32(c.Round), c.Block)
	var all, stake uint64
	for _, v := range trusted {
		all += v.Stake
		for _, s := range c.Signatures {
			// The standard library is stricter than ZIP-215: it takes what this network signed.
			if bytes.Equal(s.Validator, v.Key) && ed25519.Verify(ed25519.PublicKey(v.Key), signed, s.Signature) {
				stake += v.Stake
				break
			}
		}
	}
	if 3*stake <= 2*all {
		return fmt.Errorf("%d of %d is no quorum", stake, all)
	}
	return nil
}

func (p *plainProof) leads() bool {
	f, s, at := p.Index, p.Count-1, sum([]byte{0}, p.ID)
	for _, step := range p.Path {
		if f%2 == 1 || f == s {
			at = sum([]byte{1}, step, at)
			for f%2 == 0 && f != 0 {
				f, s = f/2, s/2
			}
		} else {
			at = sum([]byte{1}, at, step)
		}
		f, s = f/2, s/2
	}
	return s == 0 && bytes.Equal(at, p.Header.RecordsRoot)
}

// shown returns the answer that a document shows to a request.
func shown(t *testing.T, document, request string) json.RawMessage {
	t.Helper()
	_, rest, _ := strings.Cut(document, "\n→ "+request)
	_, rest, ok := strings.Cut(rest, "\n← ")
	if !ok {
		t.Fatalf("api.md shows no answer to %s", request)
	}
	var answer struct{ Response json.RawMessage }
	if err := json.NewDecoder(strings.NewReader(rest)).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return answer.Response
}

// The proof that api.md shows holds by the five steps of protocol.md, done here
// with nothing of posnet's own code, and the Go client says the same.
func TestWorkedProof(t *testing.T) {
	raw, err := os.ReadFile("api.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(raw)
	var start struct {
		NetworkID hexBytes
		Genesis   json.RawMessage
	}
	read(t, shown(t, document, `{"op":"genesis"}`), &start)
	var compact bytes.Buffer
	if err := json.Compact(&compact, start.Genesis); err != nil {
		t.Fatal(err)
	}
	network := sum([]byte("posnet/network/v1"), compact.Bytes())
	if !bytes.Equal(network, start.NetworkID) {
		t.Fatalf("step 1: the hash of the genesis is %x, the network's id %x", network, start.NetworkID)
	}
	var first struct{ Validators []plainValidator }
	read(t, start.Genesis, &first)
	for i := range first.Validators {
		first.Validators[i].DrawFrom = 1
	}
	var handovers struct{ Handovers []message.Handover }
	read(t, shown(t, document, `{"op":"handovers"}`), &handovers)
	if len(handovers.Handovers) != 0 {
		t.Fatal("step 2: api.md shows handovers, which this test does not follow")
	}
	answer := shown(t, document, `{"op":"proof"`)
	var p plainProof
	read(t, answer, &p)
	if err := certified(network, first.Validators, &p.Header, &p.Certificate); err != nil {
		t.Errorf("step 3: %v", err)
	}
	if !p.leads() {
		t.Error("step 4: the path does not lead to the root")
	}

	r := light.Receipt{Genesis: start.Genesis}
	read(t, answer, &r.Proof)
	var fate message.Record
	read(t, shown(t, document, `{"op":"record","args":{"id":"`+r.Proof.ID.String()), &fate)
	r.Record = *fate.Record
	if c, err := r.Check(); err != nil || !bytes.Equal(c.Network[:], network) {
		t.Errorf("the client: %+v, %v", c, err)
	}
}

func read(t *testing.T, text json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
