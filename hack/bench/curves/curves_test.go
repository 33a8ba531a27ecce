package curves

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func panels() []Panel {
	long := make([]float64, 10_000)
	for i := range long {
		long[i] = float64(i)
	}
	return []Panel{
		{Title: "linear", X: "x", Y: "y", Legend: true, Lines: []Line{{Name: "one", X: long, Y: long}, {X: []float64{1, 2}, Y: []float64{3, 1}}}},
		{Title: "logarithms", LogX: true, LogY: true, Lines: []Line{{X: []float64{0, 10, 1e6}, Y: []float64{1, 2, 3}, Dots: true}}},
		{Title: "flat", Lines: []Line{{X: []float64{1, 2}, Y: []float64{0, 0}}}},
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	svg := filepath.Join(dir, "a.svg")
	if err := Save(svg, 2, panels()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
	if len(text) > 100_000 {
		t.Errorf("the picture takes %d bytes", len(text))
	}
	if err := Save(filepath.Join(dir, "a.png"), 1, panels()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
	if err := Save(filepath.Join(dir, "a.gif"), 1, panels()); err == nil {
		t.Error("there are pictures of other kinds")
	}
}

func TestDecades(t *testing.T) {
	labels := map[float64]string{}
	for _, tick := range (decades{}).Ticks(100, 1e6) {
		if tick.Label != "" {
			labels[tick.Value] = tick.Label
		}
	}
	if labels[100] != "100" || labels[1e4] != "10k" || labels[1e6] != "1M" || labels[2000] != "" {
		t.Errorf("labels are %v", labels)
	}
}
