// Package fairness puts the judgment of the lottery's audit into the form that
// the client API and posnet verify show.
package fairness

import (
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// Show returns the form of a report on the heights from 1 on; name gives validators their names.
func Show(r lottery.Report, name func(types.PublicKey) string) message.Fairness {
	out := message.Fairness{
		From: 1, Draws: r.Draws, PValue: r.LifetimePValue, Fair: r.Fair,
		Significance: lottery.Significance, Confidence: lottery.Confidence,
		Fit:        message.Test{Statistic: r.Fit.ChiSquare, Degrees: r.Fit.Degrees, PValue: r.Fit.PValue},
		Uniformity: testOf(r.Uniformity), Serial: testOf(r.Serial),
		Others: tally(r.Others), Participants: []message.Tally{},
	}
	for _, t := range r.Participants {
		row := tally(t)
		key := types.PublicKey(t.ID)
		row.Key, row.Name = &key, name(key)
		out.Participants = append(out.Participants, row)
	}
	return out
}

func testOf(t lottery.Test) message.Test {
	return message.Test{Statistic: t.Statistic, PValue: t.PValue}
}

func tally(t lottery.Tally) message.Tally {
	return message.Tally{
		Heights: t.Heights, Expected: t.Expected, Observed: t.Observed, Low: t.Low, High: t.High, Won: t.Won, Missed: t.Missed,
	}
}
