package p2p

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/posnet/posnet/node/types"
)

// counter is a Handler that counts, and tells the delay of votes that hold the
// time they were sent at.
type counter struct {
	got   chan Kind
	delay chan time.Duration
}

func (c *counter) LinkUp(types.PublicKey)   {}
func (c *counter) LinkDown(types.PublicKey) {}

func (c *counter) Message(_ types.PublicKey, kind Kind, payload []byte) {
	if c.delay != nil && kind == KindVote {
		c.delay <- time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(payload))))
		return
	}
	if c.got != nil {
		c.got <- kind
	}
}

func benchPair(b *testing.B, receiver Handler) (sender *testNode, to types.PublicKey) {
	nodes := newNetwork(b, 2, func(n int, c *Config) {
		c.Logger = nil
		if n == 1 {
			c.Handler = receiver
		}
	})
	eventually(b, "links", func() bool { return nodes[0].isUp(nodes[1].key) && nodes[1].Peers()[0].Up() })
	return nodes[0], nodes[1].key
}

// cpuTime is what this process has used of all processors.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkSmallMessages sends votes one way, as fast as they are taken or at a
// pace, and tells what both ends together spend on each.
func BenchmarkSmallMessages(b *testing.B) {
	for _, c := range []struct {
		name  string
		burst int           // messages sent at once
		pause time.Duration // between bursts
	}{
		{"flood", 1000, 0},
		{"bursts of 10 each ms", 10, time.Millisecond},
		{"one each ms", 1, time.Millisecond},
	} {
		b.Run(c.name, func(b *testing.B) {
			got := make(chan Kind, 2*c.burst)
			sender, to := benchPair(b, &counter{got: got})
			payload := make([]byte, 141) // as large as a vote
			b.ResetTimer()
			cpu, began := cpuTime(b), time.Now()
			for sent := 0; sent < b.N; {
				n := min(c.burst, b.N-sent)
				for range n {
					if !sender.Send(to, KindVote, payload) {
						b.Fatal("the link is lost")
					}
				}
				for range n {
					<-got
				}
				if sent += n; c.pause > 0 {
					time.Sleep(c.pause)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1000, "cpu-µs/msg")
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "msg/s")
		})
	}
}

// BenchmarkVoteDelay measures how long a vote takes, alone and while the bulk
// link is flooded.
func BenchmarkVoteDelay(b *testing.B) {
	for _, flooded := range []bool{false, true} {
		b.Run(fmt.Sprintf("bulk flooded %v", flooded), func(b *testing.B) {
			receiver := &counter{got: make(chan Kind, 16), delay: make(chan time.Duration, 1)}
			sender, to := benchPair(b, receiver)
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				payload := make([]byte, 256<<10)
				for i := 0; flooded; i++ { // 8 of them are always under way
					sender.Send(to, KindRecords, payload)
					if i < 8 {
						continue
					}
					select {
					case <-receiver.got:
					case <-stop:
						return
					}
				}
			}()
			delays := make([]time.Duration, b.N)
			b.ResetTimer()
			for i := range delays {
				sender.Send(to, KindVote, binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano())))
				delays[i] = <-receiver.delay
			}
			b.StopTimer()
			close(stop)
			<-stopped
			slices.Sort(delays)
			b.ReportMetric(float64(delays[len(delays)/2])/1000, "median-µs")
			b.ReportMetric(float64(delays[len(delays)*99/100])/1000, "p99-µs")
		})
	}
}
