package verify_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/source"
)

// pruned verifies a chain whose folder has no block below a height.
func pruned(t *testing.T, made *forge.Chain, below uint64, trusted *verify.Trusted) *verify.Result {
	t.Helper()
	return verifiedFolder(t, made, prunedFolder(t, made, below), trusted)
}

// prunedFolder is the folder of a chain without the blocks below a height.
func prunedFolder(t *testing.T, made *forge.Chain, below uint64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := made.Store(dir); err != nil {
		t.Fatal(err)
	}
	if err := made.Prune(dir, below); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verifiedFolder(t *testing.T, made *forge.Chain, dir string, trusted *verify.Trusted) *verify.Result {
	t.Helper()
	r, err := triedFolder(t, made, dir, trusted)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func triedFolder(t *testing.T, made *forge.Chain, dir string, trusted *verify.Trusted) (*verify.Result, error) {
	t.Helper()
	f, err := source.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return verify.Run(t.Context(), verify.Options{Genesis: made.Genesis, Source: f, Trusted: trusted})
}

// refused checks that a folder is found to be damaged or its chain to be at fault.
func refused(t *testing.T, made *forge.Chain, dir string) {
	t.Helper()
	if r, err := triedFolder(t, made, dir, nil); err == nil && r.Fault == nil {
		t.Errorf("it passes: %d blocks, by %d handovers", r.Tally.Blocks, r.Handovers)
	}
}

// Where no guests play, all is verified of the blocks that are there, the state too.
func TestPruned(t *testing.T) {
	made := forge.Guestless()
	for _, below := range []uint64{2, 7, 15, 30, 39, 40} {
		r := pruned(t, made, below, nil)
		if r.Fault != nil || r.Lacks != "" || r.Tally.Blocks != forge.LivelyBlocks-below+1 || r.Tally.Applied != below || r.Tally.Drawn != below {
			t.Errorf("below %d: fault %v, lacks %q, %+v", below, r.Fault, r.Lacks, r.Tally)
			continue
		}
		if want := len(made.Handovers(below)); r.Handovers != want || r.State.Digest() != made.State.Digest() || r.Tally.Audit().Draws() != r.Tally.Blocks {
			t.Errorf("below %d: %d handovers, want %d; state %s; %d draws", below, r.Handovers, want, r.State.Digest(), r.Tally.Audit().Draws())
		}
	}
}

// What guests did cannot be taken back: from the last that they did on the state is
// verified, and before it all else.
func TestPrunedWithGuests(t *testing.T) {
	made := forge.Lively()
	const lastOfGuests = 32 // the guest left with block 30, and was last drawn at height 31
	for below, applied := range map[uint64]uint64{7: lastOfGuests, 20: lastOfGuests, 34: 34} {
		r := pruned(t, made, below, nil)
		if r.Fault != nil || r.Tally.Applied != applied || r.Tally.Drawn != applied || (r.Lacks == "") != (applied == below) || r.State.Digest() != made.State.Digest() {
			t.Errorf("below %d: fault %v, lacks %q, %+v", below, r.Fault, r.Lacks, r.Tally)
		}
	}
}

// Where no token is left to mint, or just the last of them, not every reward was paid.
// The digests tell which.
func TestPrunedAllMinted(t *testing.T) {
	for _, left := range []uint64{0, 1, 5, 9, 20} {
		g := forge.Genesis(map[string]uint64{"alice": 30, "bob": 27})
		g.Params.Guests, g.Params.BlockReward = false, 2
		g.Accounts = []genesis.Account{{Account: forge.Account("anna"), Balance: types.MaxAmount - left}}
		made := forge.New(g)
		for range 10 {
			made.Add(made.Pay("anna", "ben", 1))
		}
		if r := pruned(t, made, 2, nil); r.Fault != nil || r.Lacks != "" || r.Tally.Applied != 2 || r.State.Digest() != made.State.Digest() {
			t.Errorf("%d left: fault %v, lacks %q, %+v", left, r.Fault, r.Lacks, r.Tally)
		}
	}
}

// wrongs are what may be wrong with a chain without guests, whose blocks below 10 are
// not here, and what is said of it.
func wrongs() map[string]struct {
	change func(c *forge.Chain)
	height uint64
	where  string
} {
	type wrong = struct {
		change func(c *forge.Chain)
		height uint64
		where  string
	}
	block := func(i int, change func(b *forge.Block)) func(c *forge.Chain) {
		return func(c *forge.Chain) {
			b := c.Blocks[i].Clone()
			change(&b)
			c.Blocks[i] = b
		}
	}
	resealed := func(i int, change func(b *forge.Block)) func(c *forge.Chain) {
		return block(i, func(b *forge.Block) { change(b); b.Reseal() })
	}
	return map[string]wrong{
		"an amount": {block(15, func(b *forge.Block) {
			r := *b.Records[0]
			r.Amount++
			b.Records[0] = r.Seal()
		}), 16, "block"},
		"an overdraft that a quorum signed": {func(c *forge.Chain) {
			resealed(39, func(b *forge.Block) { b.Records = append(b.Records, c.Pay("nobody", "anna", 1_000_000)) })(c)
		}, 40, "records[0]"},
		"a digest that a quorum signed":              {resealed(15, func(b *forge.Block) { b.Header.State[0] ^= 1 }), 17, "header.prev"},
		"the oldest's digest, which a quorum signed": {resealed(9, func(b *forge.Block) { b.Header.State[0] ^= 1 }), 11, "header.prev"},
		"a winner whom a quorum signed":              {resealed(12, func(b *forge.Block) { b.Header.Round++ }), 13, "header.winner"},
		"a link that a quorum signed":                {resealed(12, func(b *forge.Block) { b.Header.Prev[0] ^= 1 }), 13, "header.prev"},
		"a certificate of too few":                   {block(12, func(b *forge.Block) { b.Certificate.Signatures = b.Certificate.Signatures[:1] }), 13, "certificate"},
		"the oldest's certificate":                   {block(9, func(b *forge.Block) { b.Certificate.Signatures[0].Signature[0] ^= 1 }), 10, "certificate"},
		"the beacon's value":                         {func(c *forge.Chain) { c.Blocks[9].Seed[0] ^= 1 }, 10, "header.proof"},
		"a beacon's value further on":                {func(c *forge.Chain) { c.Blocks[11].Seed[0] ^= 1 }, 12, "stored seed"},
		"a handover that is not certified":           {block(6, func(b *forge.Block) { b.Certificate.Signatures = b.Certificate.Signatures[:1] }), 7, "certificate"},
		"a handover to others, certified by strangers": {func(c *forge.Chain) {
			b := c.Blocks[6].Clone()
			b.Set = forge.New(forge.Genesis(map[string]uint64{"mallory": 1})).Next.Set
			b.Reseal()
			c.Blocks[6] = b
		}, 7, "certificate"},
		"a balance in the stored state": {func(c *forge.Chain) {
			last := &c.Blocks[len(c.Blocks)-2]
			last.Changes = slices.Clone(last.Changes)
			for i, change := range last.Changes {
				if len(change.Key) == 34 { // of a keyed account
					last.Changes[i] = ledger.Change{Key: change.Key, Value: bytes.Clone(change.Value)}
					last.Changes[i].Value[15]++ // its nonce
					return
				}
			}
		}, 39, "stored state"},
	}
}

// Whatever is wrong with what is here, or leads here, is found at its height.
func TestPrunedAndWrong(t *testing.T) {
	made := forge.Guestless()
	for name, w := range wrongs() {
		t.Run(name, func(t *testing.T) {
			bad := *made
			bad.Blocks = slices.Clone(made.Blocks)
			w.change(&bad)
			if f := pruned(t, &bad, 10, nil).Fault; f == nil || f.Height != w.height || f.Where != w.where {
				t.Errorf("found %v, want height %d, %s", f, w.height, w.where)
			}
		})
	}
}

// Without one of the handovers nothing leads to the validators.
func TestHandoverMissing(t *testing.T) {
	made := forge.Guestless()
	dir := filepath.Join(t.TempDir(), "data")
	if err := made.Store(dir); err != nil {
		t.Fatal(err)
	}
	if err := made.Prune(dir, 15); err != nil {
		t.Fatal(err)
	}
	list := made.Handovers(15)
	if len(list) < 2 {
		t.Fatal("the chain tests less than it says")
	}
	change(t, made, dir, storage.Change{Key: heights.HandoverKey(list[0].Header.Height)})
	second := list[1].Header.Height
	if f := verifiedFolder(t, made, dir, nil).Fault; f == nil || f.Height != second || f.Where != "header.validators" {
		t.Errorf("without the first: %v", f)
	}
	change(t, made, dir, storage.Change{Key: heights.HandoverKey(second)})
	if f := verifiedFolder(t, made, dir, nil).Fault; f == nil || f.Height != 15 || f.Where != "header.validators" {
		t.Errorf("without any: %v", f)
	}
}

// change changes what a folder holds beside its blocks.
func change(t *testing.T, made *forge.Chain, dir string, all ...storage.Change) {
	t.Helper()
	first := made.Genesis.Validators[0]
	data, err := storage.Open(dir, storage.Identity{Network: made.Genesis.Network(), Validator: first.Key, Name: first.Name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := data.Store.Put(all...); err != nil {
		t.Fatal(err)
	}
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}
}

// A block that somebody vouches for must be the one that is here.
func TestTrusted(t *testing.T) {
	made := forge.Guestless()
	for _, height := range []uint64{9, 10, 25, forge.LivelyBlocks} {
		trusted := &verify.Trusted{Height: height, Hash: made.Blocks[height-1].Header.Hash()}
		if r := pruned(t, made, 10, trusted); r.Fault != nil || !r.Trusted {
			t.Errorf("block %d: trusted %v, %v", height, r.Trusted, r.Fault)
		}
		trusted.Hash = types.SumHash([]byte("another"))
		if r := pruned(t, made, 10, trusted); r.Fault == nil || r.Fault.Height != height || r.Trusted {
			t.Errorf("another block %d: trusted %v, %v", height, r.Trusted, r.Fault)
		}
	}
	if r := pruned(t, made, 10, &verify.Trusted{Height: 8, Hash: made.Blocks[7].Header.Hash()}); r.Fault != nil || r.Trusted {
		t.Errorf("a block that is not here: trusted %v, %v", r.Trusted, r.Fault)
	}
}

// Chains that begin at different heights are held against each other where both have
// blocks.
func TestPrunedBesideWhole(t *testing.T) {
	made := forge.Guestless()
	forked := new(forge.Chain)
	*forked = *made
	forked.Blocks = slices.Clone(made.Blocks)
	b := forked.Blocks[forge.LivelyBlocks-1].Clone()
	b.Header.Time++
	b.Reseal()
	forked.Blocks[forge.LivelyBlocks-1] = b
	for name, c := range map[string]struct {
		chains []*forge.Chain
		below  []uint64
		blocks []int
		apart  bool
		fault  uint64
	}{
		"whole and pruned":  {[]*forge.Chain{made, made}, []uint64{1, 12}, []int{40, 40}, false, 0},
		"pruned and whole":  {[]*forge.Chain{made, made}, []uint64{12, 1}, []int{40, 30}, false, 0},
		"nothing in common": {[]*forge.Chain{made, made}, []uint64{30, 1}, []int{40, 20}, true, 0},
		"a fork":            {[]*forge.Chain{made, forked}, []uint64{12, 20}, []int{40, 40}, false, 40},
	} {
		t.Run(name, func(t *testing.T) {
			var sources []source.Source
			for i, made := range c.chains {
				short := *made
				short.Blocks = slices.Clone(made.Blocks[:c.blocks[i]])
				dir := filepath.Join(t.TempDir(), fmt.Sprint(i), "data")
				if err := short.Store(dir); err != nil {
					t.Fatal(err)
				}
				if err := short.Prune(dir, c.below[i]); err != nil {
					t.Fatal(err)
				}
				f, err := source.OpenFolder(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				sources = append(sources, f)
			}
			found, err := verify.All(t.Context(), made.Genesis, sources, nil, nil)
			if err != nil || found[1].Apart != c.apart || found[0].Apart || found[0].Fault != nil {
				t.Fatal(found, err)
			}
			if f := found[1].Fault; (f == nil) != (c.fault == 0) || f != nil && (f.Height != c.fault || !strings.Contains(f.What, "forked")) {
				t.Errorf("got %v", f)
			}
		})
	}
}
