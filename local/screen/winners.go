package screen

import (
	"fmt"
)

// winners lists who won the newest blocks.
func (m Model) winners(rows int) []string {
	lines := []string{heading.Render("   LAST WINNERS")}
	list := m.snap.Status.Winners
	if len(list) == 0 {
		return append(lines, quiet.Render("   no block yet: the rule waits for records, or for its time"))
	}
	height, name := 0, 0
	for _, w := range list {
		height = max(height, len(fmt.Sprint(w.Height)))
		name = max(name, len(w.Validator))
	}
	for _, w := range list[:min(rows, len(list))] {
		line := fmt.Sprintf("   %s  %s  %s  %s  %s", padLeft(fmt.Sprint(w.Height), height), strong.Render(pad(w.Validator, name)),
			pad(count(w.Records, "record"), len("20000 records")), quiet.Render(w.Hash[:min(8, len(w.Hash))]), ago(m.now.Sub(w.Time.Time)))
		if w.Round > 0 {
			line += "  " + poor.Render(fmt.Sprintf("in round %d", w.Round))
		}
		lines = append(lines, line)
	}
	return lines
}
