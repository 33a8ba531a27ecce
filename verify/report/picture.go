package report

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// CheckPicture says whether a picture can be written to a file of this name.
func CheckPicture(path string) error {
	if ext := filepath.Ext(path); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("the picture %q: its name must end with .svg or .png", path)
	}
	return nil
}

// The picture's size, and the most participants it shows one by one: those
// expected to be drawn most often.
const (
	pictureWidth = 9 * vg.Inch
	rowHeight    = 0.3 * vg.Inch
	frameHeight  = 2.1 * vg.Inch
	testsHeight  = 3.4 * vg.Inch // of the two plots below
	margin       = 0.1 * vg.Inch
	gap          = 0.25 * vg.Inch
	maxRows      = 100
)

var (
	blue = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	red  = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	grey = color.RGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff}
)

// Picture writes the lottery's picture, an SVG or a PNG by the name's end: how
// often each was drawn, with its exact interval, against how often it should be;
// below, where the draws fell, and whether they hang together.
func (r *Report) Picture(path string) error {
	if err := CheckPicture(path); err != nil {
		return err
	}
	rows := r.rows()
	height := frameHeight + rowHeight*vg.Length(len(rows)) + testsHeight
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	} = vgsvg.New(pictureWidth, height)
	if filepath.Ext(path) == ".png" {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(pictureWidth, height), vgimg.UseDPI(144))}
	}
	all := draw.Crop(draw.New(canvas), margin, -margin, margin, -margin)
	middle := (all.Max.X - all.Min.X) / 2
	r.tallies(rows).Draw(draw.Crop(all, 0, 0, testsHeight, 0))
	tests := draw.Crop(all, 0, 0, 0, testsHeight-(all.Max.Y-all.Min.Y))
	r.uniformity().Draw(draw.Crop(tests, 0, -middle-gap/2, 0, -gap))
	r.serial().Draw(draw.Crop(tests, middle+gap/2, 0, 0, -gap))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the picture cannot be written: %w", err)
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close() // the first error counts
		return fmt.Errorf("the picture %s cannot be written: %w", path, err)
	}
	return f.Close()
}
