// Package screen shows a running network to a person: as a live screen where
// there is a terminal, and as plain lines where there is none.
package screen

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
)

// About is what does not change while a network runs.
type About struct {
	Network string
	Folder  string // of the state, as a person would type it
	Faucet  bool
	Guests  bool   // may take part
	Account string // one that may be given tokens, for the first transfer
}

// warningStays is how long a warning stands on the last line: long enough to
// be read, and then it is in the node's log.
const warningStays = 15 * time.Second

// Model is the state of the screen. Time comes in messages, so that what is
// shown depends on nothing else.
type Model struct {
	about   About
	started time.Time
	now     time.Time
	width   int
	height  int
	snap    *watch.Snapshot
	warning logs.Warning
	warned  time.Time
	help    bool
	scroll  int
}

// New returns the screen of a network that starts at a time.
func New(about About, started time.Time) Model {
	return Model{about: about, started: started, now: started, width: 80, height: 24}
}

type tick time.Time

func nextTick() tea.Cmd { return tea.Every(time.Second, func(t time.Time) tea.Msg { return tick(t) }) }

// Init implements tea.Model.
func (m Model) Init() tea.Cmd { return nextTick() }

// Update implements tea.Model. It takes *watch.Snapshot and logs.Warning
// beside what the terminal tells.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case *watch.Snapshot:
		m.snap = msg
		m.now = later(m.now, msg.Time)
		m.scroll = m.clampScroll(m.scroll)
	case tick:
		m.now = later(m.now, time.Time(msg))
		return m, nextTick()
	case logs.Warning:
		m.warning, m.warned = msg, m.now
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.scroll = m.clampScroll(m.scroll)
	case tea.KeyPressMsg:
		return m.press(msg.String())
	}
	return m, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (m Model) press(key string) (tea.Model, tea.Cmd) {
	switch key {
	case "ctrl+c", "q":
		return m, tea.Quit
	case "?", "h":
		m.help = !m.help
	case "esc":
		m.help = false
	case "up", "k":
		m.scroll = m.clampScroll(m.scroll - 1)
	case "down", "j":
		m.scroll = m.clampScroll(m.scroll + 1)
	case "pgup":
		m.scroll = m.clampScroll(m.scroll - m.layout().validators)
	case "pgdown":
		m.scroll = m.clampScroll(m.scroll + m.layout().validators)
	}
	return m, nil
}

// clampScroll keeps the list of validators filled to its last row.
func (m Model) clampScroll(to int) int {
	return max(0, min(to, m.participants()-m.layout().validators))
}

// participants is how many rows the table would take.
func (m Model) participants() int {
	if m.snap == nil {
		return 0
	}
	n := len(m.snap.Status.Validators)
	if m.hasOthers() {
		n++
	}
	return n
}

// hasOthers says whether guests, or validators that left, have or had a part in
// the lottery.
func (m Model) hasOthers() bool { return m.snap.Guests > 0 || m.snap.Others.Expected > 0 }
