package screen

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/posnet/posnet/api/v1alpha1"
)

// Only the sixteen colours that the person's own theme defines are used, so
// that the screen is readable on light and dark alike.
var (
	strong  = lipgloss.NewStyle().Bold(true)
	quiet   = lipgloss.NewStyle().Faint(true)
	heading = lipgloss.NewStyle().Faint(true).Bold(true)
	good    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	poor    = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	bad     = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	fill    = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	mark    = lipgloss.NewStyle().Foreground(lipgloss.Magenta).Bold(true)
)

func phaseStyle(p v1alpha1.Phase) lipgloss.Style {
	switch p {
	case v1alpha1.PhaseRunning:
		return good.Bold(true)
	case v1alpha1.PhaseHalted, v1alpha1.PhaseDiverged:
		return bad
	}
	return poor.Bold(true)
}

// clip keeps a line within the width.
func clip(line string, width int) string { return ansi.Truncate(line, max(width, 0), "…") }

// pad fills text with blanks to a width, on its right, or on its left.
func pad(text string, width int) string {
	text = clip(text, width)
	return text + spaces(width-ansi.StringWidth(text))
}

func padLeft(text string, width int) string {
	text = clip(text, width)
	return spaces(width-ansi.StringWidth(text)) + text
}

func spaces(n int) string { return fmt.Sprintf("%*s", max(n, 0), "") }

// percent has one decimal and always the same width: " 5.9%".
func percent(share float64) string { return fmt.Sprintf("%5.1f%%", 100*share) }

// number shortens what has more than seven digits: 12.3M.
func number(n int64) string {
	const plainBelow = 10_000_000
	if n < plainBelow {
		return fmt.Sprint(n)
	}
	v := float64(n)
	for _, unit := range []string{"k", "M", "G", "T", "P"} {
		v /= 1000
		if v < 1000 || unit == "P" {
			return fmt.Sprintf("%.1f%s", v, unit)
		}
	}
	return ""
}

// count says "1 record", "2 records".
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return number(n) + " " + thing + "s"
}

// ago says a duration roughly, as people do.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	}
	return fmt.Sprintf("%dh ago", int(d.Hours()))
}
