package lottery

import (
	"errors"
	"strings"
	"testing"
)

type network struct {
	list []Participant
	priv map[[32]byte]VRFPrivateKey
	pub  map[[32]byte]VRFPublicKey
	seed Seed // of height 1
}

func newNetwork(weights ...uint64) *network {
	n := &network{list: weighing(weights...), priv: map[[32]byte]VRFPrivateKey{}, pub: map[[32]byte]VRFPublicKey{}}
	var keys [][32]byte
	for _, p := range n.list {
		priv, pub := NewVRFKey(p.ID)
		n.priv[p.ID], n.pub[p.ID] = priv, pub
		keys = append(keys, pub)
	}
	n.seed = GenesisSeed([32]byte{'n'}, keys)
	return n
}

// claim is what the winner of the round puts into its block.
func (n *network) claim(d *Draw, round uint32) Claim {
	winner := d.At(round)
	return Claim{Height: d.Height(), Round: round, Winner: winner, Key: n.pub[winner], Proof: Prove(n.priv[winner], d.seed, d.Height())}
}

func TestVerifyHeightAuditsAChain(t *testing.T) {
	n := newNetwork(100, 50, 10)
	audit, seed := NewAudit(), n.seed
	for height := uint64(1); height <= 60; height++ {
		d := newDraw(t, seed, height, n.list)
		c := n.claim(d, uint32(height%3))
		v, err := VerifyHeight(seed, n.list, c)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := ProofToOutput(c.Proof); err != nil || out != v.Output || v.Next != NextSeed(seed, height, out) {
			t.Fatalf("height %d: output %x, next seed %x", height, v.Output, v.Next)
		}
		if err := audit.Add(v.Draw, c.Round); err != nil {
			t.Fatal(err)
		}
		seed = v.Next
	}
	if r := audit.Report(); r.Draws != 60 || !r.Fair {
		t.Errorf("report %+v", r)
	}
}

func TestVerifyHeightRefuses(t *testing.T) {
	n := newNetwork(100, 50, 10)
	d := newDraw(t, n.seed, 8, n.list)
	good := n.claim(d, 1)
	if _, err := VerifyHeight(n.seed, n.list, good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(c *Claim)
		seed   Seed
		list   []Participant
		want   string
		is     error
	}{
		"a winner of another round": {func(c *Claim) { c.Round = 0 }, n.seed, n.list, "but the block names", nil},
		"a winner not drawn":        {func(c *Claim) { c.Winner = d.At(2) }, n.seed, n.list, "height 8: round 1 drew", nil},
		"a winner unknown":          {func(c *Claim) { c.Winner = [32]byte{} }, n.seed, n.list, "but the block names", nil},
		"another's proof":           {func(c *Claim) { c.Proof = n.claim(d, 0).Proof }, n.seed, n.list, "height 8: ", ErrProof},
		"another's key":             {func(c *Claim) { c.Key = n.pub[d.At(0)] }, n.seed, n.list, "height 8: ", ErrProof},
		"a forbidden key":           {func(c *Claim) { c.Key = VRFPublicKey{1} }, n.seed, n.list, "height 8: ", ErrVRFKey},
		"no proof":                  {func(c *Claim) { c.Proof = Proof{} }, n.seed, n.list, "height 8: ", ErrProof},
		"nobody to draw":            {func(c *Claim) {}, n.seed, nil, "height 8: ", ErrNoParticipants},
		"a height that is not its own": {func(c *Claim) {
			c.Height = 9
			c.Winner = newDraw(t, n.seed, 9, n.list).At(1)
			c.Key = n.pub[c.Winner]
			c.Proof = Prove(n.priv[c.Winner], n.seed, 8)
		}, n.seed, n.list, "height 9: ", ErrProof},
	} {
		t.Run(name, func(t *testing.T) {
			claim := good
			c.change(&claim)
			v, err := VerifyHeight(c.seed, c.list, claim)
			if err == nil || v != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %v", err, c.is)
			}
		})
	}
}

// TestVerifyHeightOfAGuest takes the proof of the validator that hosts it.
func TestVerifyHeightOfAGuest(t *testing.T) {
	n := newNetwork(100, 50, 10)
	guest := Participant{ID: [32]byte{0: 'g'}, Weight: 1 << 40, Guest: true}
	list := append([]Participant{guest}, n.list...)
	host := n.list[1].ID
	c := Claim{Height: 3, Winner: guest.ID, Key: n.pub[host], Proof: Prove(n.priv[host], n.seed, 3)}
	if _, err := VerifyHeight(n.seed, list, c); err != nil {
		t.Fatal(err)
	}
}
