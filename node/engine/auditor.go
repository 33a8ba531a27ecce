package engine

import (
	"log/slog"
	"sync"

	"github.com/posnet/posnet/node/ledger"
	"github.com/posnet/posnet/node/lottery"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

// auditor feeds the lottery's audit from what is on disk, height after height,
// beside the main loop: a long chain is audited anew at each start without
// anybody waiting for it.
type auditor struct {
	history history
	log     *slog.Logger
	wake    chan struct{} // holds one: more heights may be there
	stop    chan struct{}
	done    chan struct{}

	mu    sync.Mutex
	audit *lottery.Audit
	from  uint64 // the first height audited
	next  uint64 // the first height not audited yet
	err   error  // why it stopped before its end

	hash         types.Hash // of participants
	participants []lottery.Participant
}

func newAuditor(h history, log *slog.Logger) *auditor {
	return &auditor{
		history: h, log: log, audit: lottery.NewAudit(), from: h.store.Oldest(), next: h.store.Oldest(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// committed tells that there are more heights.
func (a *auditor) committed() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *auditor) run() {
	defer close(a.done)
	for {
		for a.advance() {
			select {
			case <-a.stop:
				return
			default:
			}
		}
		select {
		case <-a.stop:
			return
		case <-a.wake:
		}
	}
}

func (a *auditor) close() {
	close(a.stop)
	<-a.done
}

// advance audits one height and reports whether there was one.
func (a *auditor) advance() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || a.next > a.history.store.Head() || a.next < a.history.store.Oldest() {
		return false
	}
	if a.err = a.add(a.next); a.err != nil {
		a.log.Error("the lottery's audit stops", "height", a.next, "error", a.err)
		return false
	}
	a.next++
	return true
}

// restart forgets all, and begins at a height.
func (a *auditor) restart(height uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.audit, a.from, a.next, a.err = lottery.NewAudit(), height, height, nil
}

// reached returns the first height that the audit still needs.
func (a *auditor) reached() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.history.store.Head() // it needs none any more
	}
	return a.next
}

func (a *auditor) add(height uint64) error {
	info, err := a.history.info(height)
	if err != nil {
		return err
	}
	if info.Participants != a.hash {
		var list []ledger.Participant
		if list, err = a.history.participants(info.Participants); err != nil {
			return err
		}
		a.hash, a.participants = info.Participants, validity.InDraw(list)
	}
	draw, err := lottery.NewDraw(info.Seed, height, a.participants)
	if err != nil {
		return err
	}
	return a.audit.Add(draw, info.Round)
}

// report judges the heights audited so far.
func (a *auditor) report() lottery.Report {
	report, _ := a.reportFrom()
	return report
}

// reportFrom judges the heights audited so far, and returns the first of them.
func (a *auditor) reportFrom() (lottery.Report, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.audit.Report(), a.from
}
