package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/posnet/posnet/node/lottery"
)

// curvePoints is at how many places the distribution of the draws is shown, more
// than the picture has points for it.
const curvePoints = 512

// shade is the color of what should hold the truth.
var shade = color.RGBA{R: 0xd6, G: 0xe4, B: 0xf2, A: 0xff}

// test begins the plot of one statistical test.
func test(title, below string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font.Size, p.Title.Padding = title, 11, vg.Points(6)
	p.X.Label.Text, p.X.Label.TextStyle.Font.Size = below, 10
	return p
}

// uniformity shows where in the total the draws fell, beside the diagonal that a
// fair lottery keeps to, and the band it stays in.
func (r *Report) uniformity() *plot.Plot {
	f := &r.Fairness
	p := test(fmt.Sprintf("Where the draws fell: Kolmogorov-Smirnov p = %.3g", f.Uniformity.PValue),
		fmt.Sprintf("draw / total stake; band: a fair lottery stays inside, %g%%", 100*lottery.Confidence))
	p.Y.Label.Text, p.Y.Label.TextStyle.Font.Size = "part of the draws below", 10
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	if f.Draws == 0 {
		return p
	}
	band := lottery.UniformityBand(f.Draws)
	p.Add(polygon(plotter.XYs{{X: 0, Y: 0}, {X: 0, Y: band}, {X: 1 - band, Y: 1}, {X: 1, Y: 1}, {X: 1, Y: 1 - band}, {X: band, Y: 0}}))
	p.Add(line(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, grey, 1))
	curve := make(plotter.XYs, len(r.Distribution))
	for i, y := range r.Distribution {
		curve[i] = plotter.XY{X: float64(i) / float64(len(r.Distribution)-1), Y: y}
	}
	p.Add(line(curve, judged(f.Uniformity.Statistic <= band), 1.5))
	return p
}

// serial shows the correlation of each draw with the next, in the bell that it
// comes from if the lottery is fair.
func (r *Report) serial() *plot.Plot {
	f := &r.Fairness
	p := test(fmt.Sprintf("Each draw and the next: serial correlation p = %.3g", f.Serial.PValue),
		fmt.Sprintf("correlation; band: a fair lottery's is inside, %g%%", 100*lottery.Confidence))
	p.Y.Min, p.Y.Max = 0, 1.1
	p.HideY()
	spread := 1 / math.Sqrt(max(float64(f.Draws)-1, 1))
	inside := quantile * spread
	edge := 1.15 * max(4*spread, math.Abs(f.Serial.Statistic))
	p.X.Min, p.X.Max = -edge, edge
	p.Add(polygon(plotter.XYs{{X: -inside, Y: 0}, {X: -inside, Y: p.Y.Max}, {X: inside, Y: p.Y.Max}, {X: inside, Y: 0}}))
	bell := plotter.NewFunction(func(x float64) float64 { return math.Exp(-x * x / (2 * spread * spread)) })
	bell.Samples, bell.Color = 200, grey
	p.Add(bell)
	if f.Draws > 1 {
		p.Add(line(plotter.XYs{{X: f.Serial.Statistic, Y: 0}, {X: f.Serial.Statistic, Y: 1}}, judged(math.Abs(f.Serial.Statistic) <= inside), 3))
	}
	return p
}

// quantile is how many standard deviations hold Confidence of a normal
// distribution.
var quantile = math.Sqrt2 * math.Erfinv(lottery.Confidence)

// judged is the color of what is as it should be, or is not.
func judged(good bool) color.Color {
	if good {
		return blue
	}
	return red
}

func line(points plotter.XYs, in color.Color, width vg.Length) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: in, Width: vg.Points(float64(width))}}
}

func polygon(points plotter.XYs) *plotter.Polygon {
	return &plotter.Polygon{XYs: []plotter.XYs{points}, Color: shade}
}
