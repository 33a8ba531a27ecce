package report

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/posnet/posnet/node/rpc/message"
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
	margin       = 0.1 * vg.Inch
	maxRows      = 100
)

var (
	blue = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	red  = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	grey = color.RGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff}
)

// Picture writes the lottery's picture, an SVG or a PNG by the name's end: how
// often each was drawn, with its exact interval, against how often it should be.
func (r *Report) Picture(path string) error {
	if err := CheckPicture(path); err != nil {
		return err
	}
	rows := r.rows()
	p := r.plot(rows)
	height := frameHeight + rowHeight*vg.Length(len(rows))
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	} = vgsvg.New(pictureWidth, height)
	if filepath.Ext(path) == ".png" {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(pictureWidth, height), vgimg.UseDPI(144))}
	}
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
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

// rows are the participants shown, from the bottom up.
func (r *Report) rows() []message.Tally {
	var rows []message.Tally
	if o := r.Fairness.Others; o.Heights > 0 {
		o.Name = "others"
		rows = append(rows, o)
	}
	for i := len(r.Fairness.Participants) - 1; i >= 0 && len(rows) < maxRows; i-- {
		rows = append(rows, r.Fairness.Participants[i])
	}
	return rows
}

func (r *Report) plot(rows []message.Tally) *plot.Plot {
	f, p := &r.Fairness, plot.New()
	verdict := "fair"
	if !f.Fair {
		verdict = "UNFAIR"
	}
	p.Title.Text = fmt.Sprintf("%s: %d draws, %s (p = %.3g)\nfit p = %.3g, uniformity p = %.3g, serial correlation p = %.3g",
		r.Network.Name, f.Draws, verdict, f.PValue, f.Fit.PValue, f.Uniformity.PValue, f.Serial.PValue)
	p.Title.TextStyle.Font.Size, p.Title.Padding = 12, vg.Points(10)
	p.X.Label.Text = fmt.Sprintf("draws: dot and bar, drawn with its exact %g%% interval; cross, expected by stake", 100*f.Confidence)
	p.X.Min = 0
	p.X.Padding, p.Y.Padding = vg.Points(4), vg.Points(4)
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{Y: 0xdd}
	p.Add(grid)
	names := make([]string, len(rows))
	for i, t := range rows {
		names[i] = t.Name
		p.Add(&tallyRow{t, float64(i)})
		p.X.Max = max(p.X.Max, t.High*1.03) // no bar ends at the edge
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	return p
}

// tallyRow draws one participant.
type tallyRow struct {
	message.Tally
	y float64
}

// Plot implements plot.Plotter.
func (t *tallyRow) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(t.y)
	shade := blue
	if t.Expected < t.Low || t.Expected > t.High {
		shade = red
	}
	bar := draw.LineStyle{Color: shade, Width: vg.Points(3)}
	c.StrokeLine2(bar, x(t.Low), at, x(t.High), at)
	c.DrawGlyph(draw.GlyphStyle{Color: shade, Radius: vg.Points(5), Shape: draw.CircleGlyph{}}, vg.Point{X: x(float64(t.Observed)), Y: at})
	c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: vg.Points(5), Shape: draw.CrossGlyph{}}, vg.Point{X: x(t.Expected), Y: at})
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: vg.Points(1)}, x(t.Expected), at-vg.Points(9), x(t.Expected), at+vg.Points(9))
}
