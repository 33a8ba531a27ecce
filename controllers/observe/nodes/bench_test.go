package nodes_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/test/standin"
)

// BenchmarkWatcher follows 200 networks of four nodes, each with a block a second,
// for a while, and prints what that costs beside what the program costs anyway. The
// nodes are another process.
func BenchmarkWatcher(b *testing.B) {
	const networks, validators, long = 200, 4, 20 * time.Second
	all, stop, err := standin.Spawn(networks, validators)
	if err != nil {
		b.Fatal(err)
	}
	before := memory()
	w := nodes.New()
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	ctx, cancel := context.WithCancel(context.Background())
	if err := w.Source().Start(ctx, queue); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Start(ctx) }()
	for i, n := range all {
		follow := nodes.Network{ID: n.ID}
		for _, one := range n.Nodes {
			follow.Targets = append(follow.Targets, nodes.Target{Name: one.Name, Key: one.Key, Address: one.Address, Stake: 25})
		}
		w.Follow(apitypes.NamespacedName{Name: fmt.Sprint(i)}, follow)
	}
	var woken atomic.Int64
	go func() {
		for {
			item, over := queue.Get()
			if over {
				return
			}
			woken.Add(1)
			queue.Done(item)
		}
	}()

	<-time.After(long / 2) // all are connected by then, and in their rounds
	from, cpu, wakes := time.Now(), processorTime(b), woken.Load()
	<-time.After(long)
	cpu, wakes = processorTime(b)-cpu, woken.Load()-wakes
	took := time.Since(from)
	after := memory()
	var online, late int
	for i := range networks {
		s := w.Snapshot(apitypes.NamespacedName{Name: fmt.Sprint(i)})
		online += len(s.Online())
		if head := s.Nodes[0].Status; head == nil || time.Since(time.Unix(0, int64(head.HeadTime))) > 7*time.Second || s.Validators == nil {
			late++
		}
	}
	goroutines := runtime.NumGoroutine()
	queue.ShutDown()
	b.ReportMetric(float64(cpu)/float64(took), "cores")
	b.ReportMetric(float64(after-before)/(1<<20), "MiB")
	b.ReportMetric(float64(wakes)/took.Seconds(), "wakes/s")
	b.ReportMetric(float64(goroutines), "goroutines")
	b.ReportMetric(0, "ns/op")
	if online != networks*validators || late > 0 {
		b.Errorf("%d of %d nodes are online, and %d networks are not known as they are", online, networks*validators, late)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	if err := stop(); err != nil {
		b.Error(err)
	}
}

// memory is what the runtime has of the system, less what it gave back.
func memory() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
