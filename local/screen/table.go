package screen

import (
	"fmt"
	"math"
	"strings"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/watch"
)

// columns are the widths of the table; 0: the column is left out.
type columns struct {
	name, stake, expected, bar, won, wins, height, address int
}

// Bars below minBar tell little; above maxBar they are hard to compare.
const (
	minBar = 16
	maxBar = 60
	// minName is what is left of long names on a narrow screen.
	minName = 8
)

// columns gives the bar what is left, and leaves out one column after the
// other until there is enough.
func (m Model) columns() columns {
	c := columns{name: len("VALIDATOR"), stake: len("STAKE"), expected: 8, won: 6, wins: len("WINS"), height: len("HEIGHT"), address: len("CLIENT API")}
	for _, v := range m.snap.Status.Validators {
		c.name = max(c.name, len(v.Name))
		c.stake = max(c.stake, len(number(shownStake(v))))
		c.wins = max(c.wins, len(fmt.Sprint(v.Won)))
		c.height = max(c.height, len(fmt.Sprint(v.Height)))
		c.address = max(c.address, len(v.Address))
	}
	for _, column := range []*int{&c.wins, &c.address, &c.height, &c.stake, &c.expected, &c.name} {
		if c.bar = m.width - c.sum(); c.bar >= minBar {
			break
		}
		if column == &c.name {
			c.name = max(c.name+c.bar-minBar, minName)
		} else {
			*column = 0
		}
	}
	c.bar = max(min(m.width-c.sum(), maxBar), 1)
	return c
}

// gap stands between two columns.
const gap = 2

// sum is the width of all but the bar: the mark of who is online takes three.
func (c columns) sum() int {
	sum := 3 + gap + 1
	for _, w := range []int{c.name, c.stake, c.expected, c.won, c.wins, c.height, c.address} {
		if w > 0 {
			sum += w + gap
		}
	}
	return sum - gap
}

// row joins the cells of the columns that are there.
func (c columns) row(online, name, stake, expected, bar, won, wins, height, address string) string {
	line := " " + online + " " + pad(name, c.name)
	cell := func(width int, text string) {
		if width > 0 {
			line += spaces(gap) + text
		}
	}
	cell(c.stake, padLeft(stake, c.stake))
	cell(c.expected, padLeft(expected, c.expected))
	cell(c.bar, bar)
	cell(c.won, padLeft(won, c.won))
	cell(c.wins, padLeft(wins, c.wins))
	cell(c.height, padLeft(height, c.height))
	cell(c.address, pad(address, c.address))
	return line
}

// table shows the validators from the scroll position on.
func (m Model) table(rows int) []string {
	c := m.columns()
	share := "SHARE OF BLOCKS"
	if c.bar < len(share) {
		share = "SHARE"
	}
	head := c.row(" ", "VALIDATOR", "STAKE", "EXPECTED", pad(share, c.bar), "WON", "WINS", "HEIGHT", "CLIENT API")
	lines := []string{heading.Render(head)}
	validators := m.snap.Status.Validators
	scale := m.scale()
	for i := m.scroll; i < min(m.scroll+rows, m.participants()); i++ {
		if i < len(validators) {
			lines = append(lines, m.validator(c, validators[i], scale))
		} else {
			lines = append(lines, m.others(c, scale))
		}
	}
	return lines
}

func (m Model) validator(c columns, v v1alpha1.ValidatorStatus, scale float64) string {
	s := m.snap.Shares[v.Name]
	online := good.Render("●")
	if !v.Online {
		online = bad.Render("○")
	}
	return c.row(online, v.Name, number(shownStake(v)), percent(s.Expected), bar(s, scale, c.bar),
		percent(s.Won), fmt.Sprint(v.Won), fmt.Sprint(v.Height), v.Address)
}

// others is one row for all that are no validators now.
func (m Model) others(c columns, scale float64) string {
	s, name, number := m.snap.Others, "departed", ""
	if m.about.Guests {
		name, number = "guests", fmt.Sprintf("(%d)", m.snap.Guests)
	}
	return c.row(quiet.Render("◆"), name, number, percent(s.Expected), bar(s, scale, c.bar), percent(s.Won), fmt.Sprint(s.Wins), "", "")
}

// shownStake is the one that counts; of a validator that does not count yet,
// the one it will have.
func shownStake(v v1alpha1.ValidatorStatus) int64 {
	if v.EffectiveStake == 0 {
		return v.Stake
	}
	return v.EffectiveStake
}

// scale is the share that fills a bar: the largest of all, so that small ones
// can be told apart too.
func (m Model) scale() float64 {
	most := max(m.snap.Others.Expected, m.snap.Others.Won)
	for _, s := range m.snap.Shares {
		most = max(most, s.Expected, s.Won)
	}
	return most
}

// bar is the share won as a line, with a mark where it is expected to end.
func bar(s watch.Share, scale float64, width int) string {
	if scale == 0 {
		return quiet.Render(strings.Repeat("─", width))
	}
	at := func(share float64) int { return int(math.Round(share / scale * float64(width))) }
	won, expected := at(s.Won), min(max(at(s.Expected)-1, 0), width-1)
	cells := func(from, to int) string {
		filled := max(min(won, to)-from, 0)
		return fill.Render(strings.Repeat("━", filled)) + quiet.Render(strings.Repeat("─", to-from-filled))
	}
	return cells(0, expected) + mark.Render("┃") + cells(expected+1, width)
}
