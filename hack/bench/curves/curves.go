// Package curves draws small pictures of curves beside each other into one file.
package curves

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // PNG
	_ "gonum.org/v1/plot/vg/vgsvg" // SVG
)

// Line is one curve.
type Line struct {
	Name string // in the legend
	X, Y []float64
	Dots bool // each point is shown
}

// Panel is one picture. An axis in logarithms has no points at zero or below: those
// are left out.
type Panel struct {
	Title      string
	X, Y       string // what the axes are
	LogX, LogY bool
	Legend     bool
	Lines      []Line // at least one
}

// The size of a panel, and the space around it.
const (
	panelWidth  = 4.2 * vg.Inch
	panelHeight = 2.7 * vg.Inch
	margin      = 0.12 * vg.Inch
	// maxPoints is how many points a line is drawn with: more cannot be told apart,
	// and make the file large.
	maxPoints = 150
)

// shades are told apart by those who see few colours, too.
var shades = []color.Color{
	color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}, color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	color.RGBA{R: 0x00, G: 0x8f, B: 0x6b, A: 0xff}, color.RGBA{R: 0x8e, G: 0x44, B: 0xad, A: 0xff},
	color.RGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff},
}

// CheckName says whether a file of this name can hold a picture.
func CheckName(path string) error {
	if ext := filepath.Ext(path); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("the picture %q: its name must end with .svg or .png", path)
	}
	return nil
}

// Save draws panels in rows of so many columns, into an SVG or a PNG by the name's
// end.
func Save(path string, columns int, panels []Panel) error {
	if err := CheckName(path); err != nil {
		return err
	}
	rows := (len(panels) + columns - 1) / columns
	canvas, err := draw.NewFormattedCanvas(panelWidth*vg.Length(columns), panelHeight*vg.Length(rows), strings.TrimPrefix(filepath.Ext(path), "."))
	if err != nil {
		return err
	}
	area := draw.New(canvas)
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 2 * margin, PadY: 2 * margin, PadTop: margin, PadBottom: margin, PadLeft: margin, PadRight: 2 * margin}
	for i, panel := range panels {
		p, err := panel.plot()
		if err != nil {
			return fmt.Errorf("the picture %s: %w", panel.Title, err)
		}
		p.Draw(tiles.At(area, i%columns, i/columns))
	}
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

func (l Panel) plot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = l.Title, l.X, l.Y
	p.Title.TextStyle.Font.Size, p.Title.Padding = 11, vg.Points(6)
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = 9, 9
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size, p.Legend.TextStyle.Font.Size = 8, 8, 8
	p.Legend.Top, p.Legend.Left = l.LogY, true // where an axis begins at zero, curves are seldom
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{Y: 0xdd}, color.Gray{Y: 0xdd}
	p.Add(grid)
	if !l.LogY {
		p.Y.Min = 0
	}
	for i, line := range l.Lines {
		if err := l.add(p, line, shades[i%len(shades)]); err != nil {
			return nil, err
		}
	}
	if l.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	}
	if l.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
		p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(p.Y.Min))), math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	} else {
		p.Y.Max *= 1.05 // no curve runs along the edge
	}
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	return p, nil
}

// add draws one line.
func (l Panel) add(p *plot.Plot, line Line, shade color.Color) error {
	var points plotter.XYs
	step := max(1, (len(line.X)+maxPoints-1)/maxPoints)
	for i := 0; i < len(line.X); i += step {
		if l.LogX && line.X[i] <= 0 || l.LogY && line.Y[i] <= 0 {
			continue
		}
		points = append(points, plotter.XY{X: line.X[i], Y: line.Y[i]})
	}
	drawn, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	drawn.Color, drawn.Width = shade, vg.Points(1.2)
	p.Add(drawn)
	if line.Dots {
		dots.Color, dots.Shape, dots.Radius = shade, draw.CircleGlyph{}, vg.Points(2.5)
		p.Add(dots)
	}
	if l.Legend {
		p.Legend.Add(line.Name, drawn)
	}
	return nil
}

// decades marks the powers of ten, and where there are few what lies between.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	for e := first; e <= last; e++ {
		for digit := 1; digit < 10; digit++ {
			v := float64(digit) * math.Pow10(e)
			label := ""
			if digit == 1 || last-first <= 2 && (digit == 2 || digit == 5) {
				label = short(v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// short is a number as it stands beside an axis: 0.1, 20, 3k, 4M.
func short(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%gG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}
