// Package docs_test keeps the documents true: vectors are computed anew, rules are
// compiled, exchanges are held against a running network.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
)

var update = flag.Bool("update", false, "write the documents' vectors anew")

// vectorBlock is a marker with the fenced block that belongs to it, if it is
// there already.
var vectorBlock = regexp.MustCompile("<!-- vector: ([a-z]+) -->\n(?:\n?```text\n(?s:.*?)```\n)?")

func TestProtocolVectors(t *testing.T) {
	vectors := protocolVectors(t)
	raw, err := os.ReadFile("protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	fresh := vectorBlock.ReplaceAllStringFunc(string(raw), func(block string) string {
		name := vectorBlock.FindStringSubmatch(block)[1]
		v, ok := vectors[name]
		if !ok {
			t.Errorf("protocol.md has a vector %q that nobody computes", name)
		}
		found++
		return fmt.Sprintf("<!-- vector: %s -->\n\n```text\n%s```\n", name, v)
	})
	if found != len(vectors) {
		t.Errorf("protocol.md shows %d vectors: %d are computed", found, len(vectors))
	}
	if fresh == string(raw) {
		return
	}
	if !*update {
		t.Fatal("the vectors in protocol.md are not those of the code: if the protocol was meant to change, run go test ./docs -update")
	}
	if err := os.WriteFile("protocol.md", []byte(fresh), 0o644); err != nil {
		t.Fatal(err)
	}
}

// lines lays out names and values; long values are wrapped.
func lines(pairs ...any) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		value := fmt.Sprint(pairs[i+1])
		if raw, ok := pairs[i+1].([]byte); ok {
			value = fmt.Sprintf("%x", raw)
		}
		const width = 96
		for first := true; first || value != ""; first = false {
			n := min(width, len(value))
			label := ""
			if first {
				label = fmt.Sprint(pairs[i])
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%-14s %s", label, value[:n]), " "))
			value = value[n:]
		}
	}
	return b.String()
}

func protocolVectors(t *testing.T) map[string]string {
	network := types.SumHash([]byte("a network"))
	key := types.NewPrivateKey([32]byte(types.SumHash([]byte("alice"))))
	seed := key.Seed()
	bob := types.NewPrivateKey([32]byte(types.SumHash([]byte("bob")))).Public()
	transfer := &types.Record{
		Type: types.Transfer, Time: 1_700_000_000_123_456_789, Sender: types.KeyedAccount(key.Public()),
		Receiver: types.KeyedAccount(bob), Amount: 10_000, Nonce: 7,
	}
	transfer.Sign(network, key)
	mint := (&types.Record{
		Type: types.Transfer, Time: 1_700_000_001_500_000_000, Sender: types.Genesis, Amount: 10_000,
		Receiver: types.OpenAccount(uuid.MustParse("bc70b89d-4521-454c-bebc-6c2456074bf2")),
	}).Seal()
	text := func(r *types.Record) string {
		b, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	header := types.Header{
		Network: network, Height: 1, Time: transfer.Time, Prev: network, Records: 2,
		RecordsRoot: types.MerkleRoot([]types.Hash{transfer.ID(), mint.ID()}), Winner: key.Public(), Proposer: key.Public(),
	}
	vote := types.Vote{Kind: types.Precommit, Height: 1, Block: header.Hash(), Validator: key.Public()}
	vote.Signature = key.Sign(vote.SignBytes(network))
	return map[string]string{
		"transfer": lines("private key", seed[:], "network id", network, "JSON", text(transfer),
			"signed bytes", transfer.SignBytes(network), "encoding", transfer.Raw(), "id", transfer.ID()),
		"mint":   lines("JSON", text(mint), "encoding", mint.Raw(), "id", mint.ID()),
		"header": lines("header", header.Encode(), "hash", header.Hash()),
		"merkle": lines("ids", transfer.ID().String()+mint.ID().String(), "root", header.RecordsRoot,
			"path of 0", types.MerkleProof([]types.Hash{transfer.ID(), mint.ID()}, 0)[0]),
		"vote":   lines("signed bytes", vote.SignBytes(network), "signature", vote.Signature),
		"beacon": beaconVector(t, network),
		"draw":   drawVector(t),
	}
}

func beaconVector(t *testing.T, nonce types.Hash) string {
	private, public := lottery.NewVRFKey(types.SumHash([]byte("alice's VRF key")))
	secret := types.SumHash([]byte("alice's VRF key"))
	seed := lottery.GenesisSeed(nonce, [][32]byte{public})
	proof := lottery.Prove(private, seed, 1)
	output, err := lottery.Verify(public, seed, 1, proof)
	if err != nil {
		t.Fatal(err)
	}
	next := lottery.NextSeed(seed, 1, output)
	return lines("VRF secret", secret[:], "VRF key", public[:], "nonce", nonce[:], "genesis seed", seed[:],
		"proof(1)", proof[:], "output", output[:], "seed(2)", next[:])
}

func drawVector(t *testing.T) string {
	seed := lottery.Seed(types.SumHash([]byte("a seed")))
	var list []lottery.Participant
	for i, weight := range []uint64{50, 30, 20} {
		list = append(list, lottery.Participant{ID: [32]byte{byte(i + 1)}, Weight: weight})
	}
	d, err := lottery.NewDraw(seed, 42, list)
	if err != nil {
		t.Fatal(err)
	}
	pairs := []any{"seed", seed[:], "height", 42, "participants", "0100… weight 50, 0200… weight 30, 0300… weight 20"}
	for round := range uint32(3) {
		number, total := d.Point(round)
		winner := d.At(round)
		pairs = append(pairs, fmt.Sprintf("round %d", round), fmt.Sprintf("draws %d of %d: %x…", number, total, winner[:2]))
	}
	return lines(pairs...)
}
