package report_test

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posnet/posnet/test/forge"
	"github.com/posnet/posnet/verify"
	"github.com/posnet/posnet/verify/report"
	"github.com/posnet/posnet/verify/source"
)

var keep = flag.String("keep", "", "write the report of TestReport beside this name, as .txt, .svg and .png")

// verified is the report of a chain of some blocks, read from its folder.
func verified(t *testing.T, blocks int) *report.Report {
	t.Helper()
	c := forge.New(forge.Genesis(map[string]uint64{"alice": 100, "bob": 50, "carol": 30, "dave": 15, "erin": 5}, "anna"))
	for height := 1; height <= blocks; height++ {
		if height == blocks/2 {
			c.Add(c.Stake("erin", 40))
			continue
		}
		c.Add(c.Pay("anna", "ben", 1))
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := c.Store(dir); err != nil {
		t.Fatal(err)
	}
	f, err := source.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := verify.All(t.Context(), c.Genesis, []source.Source{f}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report.New(c.Genesis, "a test", true, found)
}

// The report of a sound chain says so in words, and its pictures are whole.
func TestReport(t *testing.T) {
	r := verified(t, 300)
	dir := t.TempDir()
	var text bytes.Buffer
	if err := r.Text(&text); err != nil || !r.Sound || !strings.Contains(text.String(), "fair over 300 draws") {
		t.Errorf("%v\n%s", err, text.String())
	}
	for _, name := range []string{"draws.svg", "draws.png"} {
		if err := r.Picture(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "draws.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"alice", "erin", "Kolmogorov-Smirnov", "serial correlation", "expected by stake"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "draws.png"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil || picture.Bounds().Dx() < 1000 || picture.Bounds().Dy() < 800 {
		t.Errorf("the PNG is %v, %v", picture.Bounds(), err)
	}
	if *keep != "" {
		for name, data := range map[string][]byte{".txt": text.Bytes(), ".svg": svg, ".png": raw} {
			if err := os.WriteFile(*keep+name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// folder is the source of a chain, of so many blocks, without those below a height.
func folder(t *testing.T, made *forge.Chain, blocks int, below uint64) *source.Folder {
	t.Helper()
	short := *made
	short.Blocks = made.Blocks[:blocks]
	dir := filepath.Join(t.TempDir(), "data")
	if err := short.Store(dir); err != nil {
		t.Fatal(err)
	}
	if err := short.Prune(dir, below); err != nil {
		t.Fatal(err)
	}
	f, err := source.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// That chains were not held against each other is said of both kinds: of one that is
// whole, and of one whose old blocks are gone.
func TestApart(t *testing.T) {
	made := forge.Guestless()
	longest := folder(t, made, 40, 30)
	found, err := verify.All(t.Context(), made.Genesis, []source.Source{folder(t, made, 20, 1), longest, folder(t, made, 19, 5)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := report.New(made.Genesis, "a test", true, found)
	var text bytes.Buffer
	if err := r.Text(&text); err != nil || !r.Sound || r.Complete {
		t.Errorf("sound %v, complete %v, %v", r.Sound, r.Complete, err)
	}
	for i, c := range r.Chains[1:] {
		if last := len(c.Unverified) - 1; last < 0 || !strings.Contains(c.Unverified[last], longest.Label()) {
			t.Errorf("chain %d: it is not said that it was not held against the longest: %q", i+1, c.Unverified)
		}
	}
	if want := "blocks       20 sound: hashes"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, text.String())
	}
}

// A chain of which nothing is sound, for nothing leads to its first block, is not told
// of as if it began with block 1 and rested on anything.
func TestNothingSound(t *testing.T) {
	made := forge.Guestless()
	b := made.Blocks[6].Clone() // a handover
	b.Certificate.Signatures = b.Certificate.Signatures[:1]
	made.Blocks[6] = b
	found, err := verify.All(t.Context(), made.Genesis, []source.Source{folder(t, made, 40, 30)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := report.New(made.Genesis, "a test", true, found)
	c := r.Chains[0]
	if r.Sound || r.Complete || c.From != 30 || c.Height != 29 || c.Blocks != 0 || c.RestsOn != "" || len(c.Unverified) == 0 {
		t.Errorf("sound %v, complete %v, %+v", r.Sound, r.Complete, c)
	}
}

// A chain of few blocks, or none, has a picture too.
func TestShortChains(t *testing.T) {
	for _, blocks := range []int{0, 1, 2} {
		r := verified(t, blocks)
		if err := r.Picture(filepath.Join(t.TempDir(), "draws.png")); err != nil {
			t.Errorf("%d blocks: %v", blocks, err)
		}
	}
}

func TestCheckPicture(t *testing.T) {
	if err := report.CheckPicture("draws.gif"); err == nil || err.Error() != `the picture "draws.gif": its name must end with .svg or .png` {
		t.Errorf("%v", err)
	}
}
