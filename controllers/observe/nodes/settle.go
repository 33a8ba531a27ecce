package nodes

import (
	"context"
	"reflect"
	"time"

	"github.com/posnet/posnet/controllers/settle"
)

// stepStakes takes the next step in settling stakes, through the voice, while
// there is something to settle.
func (f *follower) stepStakes() {
	if len(f.network.Changes) == 0 && len(f.progress.UnderWay) == 0 {
		return
	}
	f.settle = time.Now().Add(settleInterval)
	if f.settling || f.voice == nil {
		return
	}
	f.settling = true
	s, c, changes := f.settler, f.voice.client, f.network.Changes
	f.ask(func(ctx context.Context) func() {
		p, err := s.Step(ctx, c, settle.Current(changes))
		return func() { f.stepped(p, err) }
	})
}

func (f *follower) stepped(p settle.Progress, err error) {
	f.settling = false
	said := ""
	if err != nil {
		said = plain(err)
	}
	if said != f.unsettled || !reflect.DeepEqual(p, f.progress) {
		f.unsettled, f.progress, f.now = said, p, true
		f.learned.height = 0 // stakes may have changed
		f.learn()
	}
}
