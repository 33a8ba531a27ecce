package screen

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/local/logs"
	"github.com/posnet/posnet/local/watch"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// winner of a block so many milliseconds after the start.
func winner(height uint64, after time.Duration, records uint32) message.Winner {
	return message.Winner{
		Height: height, Validator: "bob", Key: types.PublicKey{0xab}, Hash: types.SumHash([]byte{byte(height)}), Records: records,
		Time: message.Timestamp(types.TimeOf(start.Add(after))),
	}
}

func TestPlainLines(t *testing.T) {
	var out, errs strings.Builder
	p := NewPlain(about, &out, &errs)
	show := func(after time.Duration, degraded bool, news ...message.Winner) {
		t.Helper()
		s := quickstart(0)
		s.Time, s.New = start.Add(after), news
		if degraded {
			s.Status.Conditions = []metav1.Condition{{
				Type: v1alpha1.ConditionDegraded, Status: metav1.ConditionTrue, Message: "bob is offline",
				LastTransitionTime: metav1.NewTime(start.Add(time.Second)),
			}}
		}
		if err := p.Show(s); err != nil {
			t.Fatal(err)
		}
	}
	guest := winner(3, 3500*time.Millisecond, 1)
	guest.Guest, guest.Round = true, 2
	show(0, false)
	show(time.Second, true, winner(1, time.Second, 0), winner(2, 2200*time.Millisecond, 3))
	show(2*time.Second, true)
	show(4*time.Second, true, guest)
	show(5*time.Second, true)
	show(6*time.Second, false)
	p.Warn(logs.Warning{Node: "carol", Time: start, Text: "cannot reach bob"})
	p.Warn(logs.Warning{Node: "carol", Time: start, Error: true, Text: "disk full"})

	golden(t, "testdata/plain.txt", out.String())
	want := "alpha: bob is offline\nalpha: all is well again\n" +
		"03:04:05  warning  carol: cannot reach bob\n03:04:05  error  carol: disk full\n"
	if errs.String() != want {
		t.Errorf("warnings\n%s\nwant\n%s", errs.String(), want)
	}
}

// A chain that was there before says how long its next block took, too.
func TestPlainGoesOn(t *testing.T) {
	var out strings.Builder
	p := NewPlain(about, &out, io.Discard)
	s := quickstart(128) // whose head is of 118 s
	if err := p.Show(s); err != nil {
		t.Fatal(err)
	}
	next := quickstart(129)
	next.New = []message.Winner{winner(129, 120*time.Second, 1)}
	if err := p.Show(next); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(out.String(), "\n"); !strings.HasPrefix(lines[len(lines)-2], "height 129  ") || !strings.HasSuffix(lines[len(lines)-2], "  2.0s") {
		t.Errorf("lines\n%s", out.String())
	}
}

func TestPlainReportsABrokenOutput(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := NewPlain(about, w, io.Discard).Show(&watch.Snapshot{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v, want %v", err, io.ErrClosedPipe)
	}
}
