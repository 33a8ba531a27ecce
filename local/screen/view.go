package screen

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/watch"
)

// View implements tea.Model.
func (m Model) View() tea.View {
	v := tea.NewView(m.render())
	v.AltScreen = true
	v.WindowTitle = "posnet " + m.about.Network
	return v
}

// render returns exactly as many lines as the screen has, none wider.
func (m Model) render() string {
	var lines []string
	switch {
	case m.help:
		lines = m.helpPage()
	case m.snap == nil:
		lines = []string{m.title("Starting", ""), "", " The nodes are starting…"}
	default:
		lines = m.page()
	}
	body := max(m.height-footRows, 0)
	for len(lines) < body {
		lines = append(lines, "")
	}
	lines = append(lines[:body], m.footer())
	for i := range lines {
		lines[i] = clip(lines[i], m.width)
	}
	return strings.Join(lines[:min(len(lines), max(m.height, 1))], "\n")
}

func (m Model) page() []string {
	l := m.layout()
	lines := append([]string{m.title(string(m.snap.Status.Phase), m.headline())}, m.facts()...)
	part := func(rows []string) {
		if l.spaced {
			lines = append(lines, "")
		}
		lines = append(lines, rows...)
	}
	part(m.table(l.validators))
	if l.winners > 0 {
		part(m.winners(l.winners))
	}
	if l.reach {
		// At the bottom, where it stays while the list of winners grows.
		rows := m.reach()
		for len(lines)+len(rows) < m.height-footRows {
			lines = append(lines, "")
		}
		lines = append(lines, rows...)
	}
	return lines
}

// title is the first line: what runs on the left, how it does on the right.
func (m Model) title(phase, headline string) string {
	left := " " + strong.Render("posnet "+m.about.Network) + "  " + phaseStyle(v1alpha1.Phase(phase)).Render(phase)
	gap := m.width - ansi.StringWidth(left) - ansi.StringWidth(headline) - 1
	if gap < 1 {
		return left + " " + headline
	}
	return left + spaces(gap) + headline
}

func (m Model) headline() string {
	s := m.snap.Status
	if s.HeadTime == nil {
		return "height " + strong.Render(fmt.Sprint(s.Height))
	}
	return "height " + strong.Render(fmt.Sprint(s.Height)) + quiet.Render(" "+ago(m.now.Sub(s.HeadTime.Time)))
}

func (m Model) facts() []string {
	s := m.snap.Status
	first := []string{"pool " + count(int64(m.snap.Pool.Records), "record"), m.underWay(), count(int64(m.snap.Records), "record") + " committed"}
	stake := fmt.Sprintf("online stake %s of %s, %s may yet fail", number(s.OnlineStake), number(s.TotalStake), number(s.FaultMargin))
	if problem, _ := problem(m.snap); problem != "" {
		stake = phaseStyle(s.Phase).Render(problem)
	}
	second := []string{stake, m.lottery()}
	if f := s.Fairness; f != nil && !f.Fair {
		second[0], second[1] = second[1], second[0] // the worst first: the rest may not fit
	}
	return []string{m.join(first), m.join(second)}
}

// Steps in which a node says that it agrees on nothing now.
const (
	waitStep = "wait" // for the least time between two blocks
	idleStep = "idle" // for somebody's candidate
)

func (m Model) underWay() string {
	switch m.snap.Step {
	case waitStep:
		return "pause between blocks"
	case idleStep:
		return "no block under way"
	}
	return fmt.Sprintf("block %d: round %d, %s", m.snap.Status.Height+1, m.snap.Round, m.snap.Step)
}

// problem is the message of the condition that hurts most, and since when it
// holds; empty where all is well.
func problem(s *watch.Snapshot) (string, time.Time) {
	for _, want := range []string{v1alpha1.ConditionDiverged, v1alpha1.ConditionQuorumLost, v1alpha1.ConditionDegraded, v1alpha1.ConditionProgressing} {
		for _, c := range s.Status.Conditions {
			if c.Type == want && c.Status == metav1.ConditionTrue {
				return c.Message, c.LastTransitionTime.Time
			}
		}
	}
	return "", time.Time{}
}

func (m Model) lottery() string {
	f := m.snap.Status.Fairness
	switch {
	case f == nil || f.PValue == nil:
		return ""
	case !f.Fair:
		return bad.Render(fmt.Sprintf("lottery UNFAIR (p = %.2g, %s)", *f.PValue, count(f.Draws, "draw")))
	}
	return fmt.Sprintf("lottery fair (p = %.2f, %s)", *f.PValue, count(f.Draws, "draw"))
}

// join puts what fits of parts on one line.
func (m Model) join(parts []string) string {
	line := ""
	for _, p := range parts {
		switch {
		case p == "":
		case line == "":
			line = " " + p
		case ansi.StringWidth(line+p)+3 <= m.width:
			line += quiet.Render(" · ") + p
		}
	}
	return line
}

func (m Model) footer() string {
	if m.warning.Text != "" && m.now.Sub(m.warned) < warningStays {
		style := poor
		if m.warning.Error {
			style = bad
		}
		return style.Render(clip(" "+m.warning.Node+": "+m.warning.Text, m.width))
	}
	keys := " ? how to reach it   q stop (nothing is lost)"
	if m.help {
		keys = " esc back   q stop (nothing is lost)"
	} else if m.snap != nil && m.participants() > m.layout().validators {
		keys = " ↑↓ more validators  " + keys
	}
	return quiet.Render(keys)
}
