package screen

// layout says how many rows each part of the screen has.
type layout struct {
	spaced     bool // blank lines between the parts
	validators int  // rows below the heading
	winners    int  // rows below the heading; 0: no heading either
	reach      bool
}

const (
	headRows  = 3 // title and two lines of facts
	footRows  = 1
	reachRows = 3
	// spacedFrom is the height from which blank lines are no waste.
	spacedFrom = 20
	// fewWinners is how many are wanted before the table of validators gets more.
	fewWinners = 3
)

// layout gives the rows first to the facts, then to the validators and a few
// winners, then to how to reach the nodes, and what is left to more winners.
func (m Model) layout() layout {
	l := layout{spaced: m.height >= spacedFrom}
	left := m.height - headRows - footRows - 1 // the table's heading
	if l.spaced {
		left -= 3
	}
	wanted := m.participants()
	if left >= wanted+1+fewWinners+reachRows {
		l.reach = true
		left -= reachRows
	}
	l.validators = min(wanted, max(left-1-fewWinners, min(left, 3)))
	if left -= l.validators + 1; left > 0 {
		l.winners = left
	}
	return l
}
