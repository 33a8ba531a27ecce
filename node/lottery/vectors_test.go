package lottery

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/draw_vectors.json anew")

const vectorFile = "testdata/draw_vectors.json"

// vectors is the file that clients in other languages check themselves against.
// Bytes are hexadecimal; numbers that may exceed 2^53 are decimal strings.
type vectors struct {
	GenesisSeeds []genesisVector `json:"genesisSeeds"`
	VRF          []vrfVector     `json:"vrf"`
	NextSeeds    []nextVector    `json:"nextSeeds"`
	Draws        []drawVector    `json:"draws"`
	Chain        []chainVector   `json:"chain"`
}

type genesisVector struct {
	Nonce   hexBytes   `json:"nonce"`
	VRFKeys []hexBytes `json:"vrfKeys"`
	Seed    hexBytes   `json:"seed"`
}

type vrfVector struct {
	PrivateKey hexBytes `json:"privateKey"` // 32 bytes, RFC 8032
	PublicKey  hexBytes `json:"publicKey"`
	Seed       hexBytes `json:"seed"`
	Height     uint64   `json:"height"`
	Alpha      hexBytes `json:"alpha"`
	Proof      hexBytes `json:"proof"`
	Output     hexBytes `json:"output"`
}

type nextVector struct {
	Seed   hexBytes `json:"seed"`
	Height uint64   `json:"height"`
	Output hexBytes `json:"output"`
	Next   hexBytes `json:"next"`
}

type drawVector struct {
	Name         string              `json:"name"`
	Seed         hexBytes            `json:"seed"`
	Height       uint64              `json:"height"`
	Participants []participantVector `json:"participants"`
	Rounds       []roundVector       `json:"rounds"`
}

type participantVector struct {
	ID     hexBytes `json:"id"`
	Weight uint64   `json:"weight"`
}

type roundVector struct {
	Winner hexBytes `json:"winner"`
	Number string   `json:"number"`
	Total  string   `json:"total"`
	Hashes int      `json:"hashes"` // taken until a number was below the total
}

// chainVector is one height of a chain that begins with the first of
// GenesisSeeds, among the participants of the first of Draws, whose proofs are
// made with the keys of VRF, in order.
type chainVector struct {
	Height uint64     `json:"height"`
	Seed   hexBytes   `json:"seed"`
	Order  []hexBytes `json:"order"`
	Round  uint32     `json:"round"` // whose winner made the block
	Proof  hexBytes   `json:"proof"`
	Next   hexBytes   `json:"next"`
}

type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.AppendDecode(nil, text)
	return err
}

// counting returns n bytes that count up from first.
func counting(n, first int) hexBytes {
	b := make(hexBytes, n)
	for i := range b {
		b[i] = byte(first + i)
	}
	return b
}

func makeVectors(t testing.TB) vectors {
	t.Helper()
	var v vectors
	for i, height := range []uint64{1, 2, 1 << 40} {
		v.VRF = append(v.VRF, makeVRF(t, counting(32, 32*i), Seed(counting(32, 100)), height))
	}
	keys := [][32]byte{[32]byte(v.VRF[0].PublicKey), [32]byte(v.VRF[1].PublicKey), [32]byte(v.VRF[2].PublicKey)}
	for n := range 4 {
		nonce, count := [32]byte(counting(32, 7)), (n+3)%4 // all three first
		g := genesisVector{Nonce: nonce[:], VRFKeys: []hexBytes{}}
		for _, key := range keys[:count] {
			g.VRFKeys = append(g.VRFKeys, hexBytes(key[:]))
		}
		seed := GenesisSeed(nonce, keys[:count])
		g.Seed = seed[:]
		v.GenesisSeeds = append(v.GenesisSeeds, g)
	}
	for _, p := range v.VRF {
		next := NextSeed(Seed(p.Seed), p.Height, Output(p.Output))
		v.NextSeeds = append(v.NextSeeds, nextVector{Seed: p.Seed, Height: p.Height, Output: p.Output, Next: next[:]})
	}

	three := weighing(100, 50, 10)
	v.Draws = append(v.Draws,
		makeDraw(t, "three validators", Seed(v.GenesisSeeds[0].Seed), 1, three),
		makeDraw(t, "in any order", Seed(v.GenesisSeeds[0].Seed), 1, []Participant{three[2], three[0], three[1]}),
		makeDraw(t, "one alone", Seed{1}, 2, weighing(1)),
		makeDraw(t, "equal stakes", Seed{2}, 1<<40, weighing(1, 1, 1, 1, 1)),
		makeDraw(t, "the heaviest and the lightest", Seed{3}, 9, weighing(1, MaxWeight, 1)),
		makeDraw(t, "a total beyond 2^53", Seed{4}, 10, weighing(MaxWeight, MaxWeight-1, 3, MaxWeight, 1<<52)),
		makeDraw(t, "a dozen", Seed{5}, 11, weighing(1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)),
	)
	v.Chain = makeChain(t, v, three)
	return v
}

func makeVRF(t testing.TB, private hexBytes, seed Seed, height uint64) vrfVector {
	priv, pub := NewVRFKey([32]byte(private))
	proof := Prove(priv, seed, height)
	out, err := Verify(pub, seed, height, proof)
	if err != nil {
		t.Fatal(err)
	}
	return vrfVector{PrivateKey: private, PublicKey: pub[:], Seed: seed[:], Height: height, Alpha: alpha(seed, height), Proof: proof[:], Output: out[:]}
}

func makeDraw(t testing.TB, name string, seed Seed, height uint64, list []Participant) drawVector {
	v := drawVector{Name: name, Seed: seed[:], Height: height}
	for _, p := range list {
		v.Participants = append(v.Participants, participantVector{ID: p.ID[:], Weight: p.Weight})
	}
	d := newDraw(t, seed, height, list)
	for round, id := range d.Order() {
		number, total := d.Point(uint32(round))
		dumb, hashes := dumbNumber(seed, height, round, new(big.Int).SetUint64(total))
		if dumb.Uint64() != number {
			t.Fatalf("%s: round %d drew %d, want %d", name, round, number, dumb)
		}
		v.Rounds = append(v.Rounds, roundVector{Winner: hexBytes(id[:]), Number: fmt.Sprint(number), Total: fmt.Sprint(total), Hashes: hashes})
	}
	return v
}

func makeChain(t testing.TB, v vectors, list []Participant) []chainVector {
	var chain []chainVector
	seed := Seed(v.GenesisSeeds[0].Seed)
	for height := uint64(1); height <= 6; height++ {
		d := newDraw(t, seed, height, list)
		c := chainVector{Height: height, Seed: slices.Clone(seed[:]), Round: uint32(height % 4)} // round 3 is the first again
		for _, id := range d.Order() {
			c.Order = append(c.Order, hexBytes(id[:]))
		}
		winner := d.At(c.Round)
		priv, pub := NewVRFKey([32]byte(v.VRF[slices.IndexFunc(list, func(p Participant) bool { return p.ID == winner })].PrivateKey))
		proof := Prove(priv, seed, height)
		verified, err := VerifyHeight(seed, list, Claim{Height: height, Round: c.Round, Winner: winner, Key: pub, Proof: proof})
		if err != nil {
			t.Fatal(err)
		}
		seed = verified.Next
		c.Proof, c.Next = proof[:], slices.Clone(seed[:])
		chain = append(chain, c)
	}
	return chain
}

// TestVectors holds the code against the file. To change the encoding on
// purpose, run go test ./node/lottery -run TestVectors -update.
func TestVectors(t *testing.T) {
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetIndent("", "  ")
	if err := enc.Encode(makeVectors(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs from what the code makes: the encoding or the draw has changed; if that was meant, run this test with -update", vectorFile)
	}
}

// TestVectorsByTheSecondImplementation reads the file as a client would, with
// none of the draw's own code.
func TestVectorsByTheSecondImplementation(t *testing.T) {
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, d := range v.Draws {
		var list []Participant
		for _, p := range d.Participants {
			list = append(list, Participant{ID: [32]byte(p.ID), Weight: p.Weight})
		}
		order := linearOrder(Seed(d.Seed), d.Height, list)
		if len(order) != len(d.Rounds) {
			t.Fatalf("%s: %d rounds, want %d", d.Name, len(d.Rounds), len(order))
		}
		for round, r := range d.Rounds {
			if !bytes.Equal(r.Winner, order[round][:]) {
				t.Errorf("%s: round %d has %x, want %x", d.Name, round, r.Winner, order[round])
			}
			rejected += r.Hashes - 1
		}
	}
	if rejected == 0 {
		t.Error("no vector rejects a number")
	}
	for i, c := range v.Chain {
		if i > 0 && !bytes.Equal(c.Seed, v.Chain[i-1].Next) {
			t.Errorf("height %d does not go on from height %d", c.Height, v.Chain[i-1].Height)
		}
	}
	if !bytes.Equal(v.Chain[0].Seed, v.GenesisSeeds[0].Seed) {
		t.Error("the chain does not begin with the genesis seed")
	}
}
