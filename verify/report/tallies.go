package report

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/posnet/posnet/node/rpc/message"
)

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

func (r *Report) tallies(rows []message.Tally) *plot.Plot {
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
	if len(rows) > 0 {
		p.NominalY(names...)
	}
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
	colored := blue
	if t.Expected < t.Low || t.Expected > t.High {
		colored = red
	}
	bar := draw.LineStyle{Color: colored, Width: vg.Points(3)}
	c.StrokeLine2(bar, x(t.Low), at, x(t.High), at)
	c.DrawGlyph(draw.GlyphStyle{Color: colored, Radius: vg.Points(5), Shape: draw.CircleGlyph{}}, vg.Point{X: x(float64(t.Observed)), Y: at})
	c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: vg.Points(5), Shape: draw.CrossGlyph{}}, vg.Point{X: x(t.Expected), Y: at})
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: vg.Points(1)}, x(t.Expected), at-vg.Points(9), x(t.Expected), at+vg.Points(9))
}
