package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/health"
	"github.com/posnet/posnet/controllers/observe/nodes"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/engine"
	"github.com/posnet/posnet/node/rpc"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/test/design"
	"github.com/posnet/posnet/test/inprocess"
)

const always = "idle >= duration('100ms')"

// liar is a node that answers as a real one does, but for what change makes of its
// status.
type liar struct {
	*engine.Engine
	change func(*message.Status)
}

func (l *liar) Status(ctx context.Context) (message.Status, error) {
	s, err := l.Engine.Status(ctx)
	l.change(&s)
	return s, err
}

// lie puts a liar before a node and returns where it listens.
func lie(t *testing.T, v *inprocess.Node, change func(*message.Status)) string {
	t.Helper()
	return serve(t, &liar{v.Backend(), change})
}

// serve answers from a backend and returns where it listens.
func serve(t *testing.T, backend rpc.Backend) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rpc.New(backend, rpc.Options{}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// grown says that all nodes that are online have a height, and their blocks.
func grown(height uint64) func(*nodes.Snapshot) error {
	return func(s *nodes.Snapshot) error {
		for _, n := range s.Nodes {
			switch {
			case !n.Online:
			case n.Status.Height < height:
				return fmt.Errorf("%s is at height %d, want %d", n.Name, n.Status.Height, height)
			case len(n.Winners) == 0 || n.Winners[0].Height != n.Status.Height:
				return fmt.Errorf("%s is at height %d, and its winners are %+v", n.Name, n.Status.Height, n.Winners)
			}
		}
		return nil
	}
}

func (r *rig) height() uint64 {
	var most uint64
	for _, n := range r.Snapshot(alpha).Nodes {
		if n.Status != nil {
			most = max(most, n.Status.Height)
		}
	}
	return most
}

// judge is the status that health makes of what is known.
func judge(s *nodes.Snapshot) v1alpha1.PosNetworkStatus {
	o := health.Observation{Time: time.Now()}
	s.Observe(&o)
	return health.Status(o, v1alpha1.PosNetworkStatus{})
}

// A node that stops is noticed at once, whoever tells of blocks; so is one that is
// back.
func TestNodesComeAndGo(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	r := newRig(t)
	r.Follow(alpha, network(n))
	r.until("all are online", online(4))
	for _, i := range []int{0, 3} { // the heaviest tells of blocks, the lightest does not
		began := time.Now()
		n.Nodes[i].Stop()
		s := r.until("one is missed", online(3))
		t.Logf("%s was missed after %v", n.Nodes[i].Name, time.Since(began))
		if one := s.Nodes[i]; one.Status != nil || !one.Since.IsZero() || !strings.HasPrefix(one.Problem, one.Name+" does not answer: ") {
			t.Errorf("the one that stopped is %+v", one)
		}
		at := r.height()
		r.until("the others go on", grown(at+5))
		n.Nodes[i].Start()
		r.until("it is back", online(4))
	}
	r.queueDrained()
	n.Nodes[1].Stop()
	r.woken()
}

// queueDrained takes what is in the queue.
func (r *rig) queueDrained() {
	for r.queue.Len() > 0 {
		r.woken()
	}
}

// A node that tells of blocks that nobody has does not lead the others astray, even
// if it is the heaviest.
func TestANodeThatLiesAboutItsHeight(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	for i := range n.Nodes {
		t.Run(n.Nodes[i].Name, func(t *testing.T) {
			w := network(n)
			w.Targets[i].Address = lie(t, n.Nodes[i], func(s *message.Status) {
				s.Height += 1_000_000
				s.HeadHash = types.SumHash([]byte("no block"))
			})
			r := newRig(t)
			r.Follow(alpha, w)
			s := r.until("all others are online, with their blocks", func(s *nodes.Snapshot) error {
				count := 0
				for k, node := range s.Nodes {
					if k != i && node.Online && len(node.Winners) > 0 && node.Winners[0].Hash == node.Status.HeadHash {
						count++
					}
				}
				if count < 3 || s.Validators == nil {
					return fmt.Errorf("%d are: %+v", count, s.Nodes)
				}
				return nil
			})
			if status := judge(s); status.Height >= 1_000_000 || len(status.Winners) == 0 {
				t.Errorf("the status is %+v", status)
			}
		})
	}
}

// What answers for somebody else is not believed, and the snapshot says who it is.
func TestWhoAnswersAtAnAddress(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	other := start(t, always, nil)
	w := network(n)
	w.Targets[0].Address = other.Nodes[0].Config.Listen.API
	w.Targets[1].Address, w.Targets[2].Address = w.Targets[2].Address, w.Targets[1].Address
	r := newRig(t)
	r.Follow(alpha, w)
	s := r.until("one is known", func(s *nodes.Snapshot) error {
		for i, node := range s.Nodes {
			if (i == 3) != (node.Status != nil) || i < 3 && node.Problem == "" {
				return fmt.Errorf("%s: %+v", node.Name, node)
			}
		}
		return nil
	})
	for i, want := range []string{
		"is a node of network quickstart (id " + other.Genesis.Network().Short() + "), not of this one (" + n.Genesis.Network().Short() + "): it is not believed",
		"is validator carol with key",
		"is validator bob with key",
	} {
		if !strings.Contains(s.Nodes[i].Problem, want) || !s.Nodes[i].Strange {
			t.Errorf("of %s it is said: %s", s.Nodes[i].Name, s.Nodes[i].Problem)
		}
	}
	r.Follow(alpha, network(n))
	r.until("with the right addresses all are online", online(4))
	r.until("and go on", grown(r.height()+5))

	r.Follow(alpha, network(other)) // the same name, another chain
	r.until("the other network is followed", online(4))
	if s := r.Snapshot(alpha); s.Nodes[0].Status.NetworkID != other.Genesis.Network() {
		t.Errorf("%+v", s.Nodes[0].Status)
	}
	r.Forget(alpha)
	if r.Snapshot(alpha) != nil {
		t.Error("a network that is forgotten is known")
	}
}

// A node that accepts and says nothing holds nobody up.
func TestANodeThatHangs(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := network(n)
	w.Targets[0].Address = l.Addr().String()
	r := newRig(t)
	r.Follow(alpha, w)
	began := time.Now()
	r.until("the others are online", online(3))
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("that took %v", took)
	}
	r.until("what hangs is told", func(s *nodes.Snapshot) error {
		if p := s.Nodes[0].Problem; p != "alice does not answer: nothing came within 2s" {
			return errors.New(p)
		}
		return nil
	})
	mint(t, n)
	began = time.Now()
	r.until("a block is known", grown(1))
	t.Logf("a block was known after %v", time.Since(began))
}

// accuser is a node that tells of votes that contradict each other, some of them
// its own invention.
type accuser struct {
	*engine.Engine
	evidence []message.Evidence
}

func (a accuser) Status(ctx context.Context) (message.Status, error) {
	s, err := a.Engine.Status(ctx)
	s.Evidence = len(a.evidence)
	return s, err
}

func (a accuser) Evidence(context.Context, int) ([]message.Evidence, error) { return a.evidence, nil }

// What a node tells of others' crimes is checked.
func TestANodeThatAccuses(t *testing.T) {
	t.Parallel()
	n := start(t, "pool.size >= 1", nil)
	caught := func(round uint32, by types.PrivateKey, accused types.PublicKey) message.Evidence {
		e := message.Evidence{Validator: accused, Name: "dave", Height: 1, Round: round}
		for i, v := range []*types.Vote{&e.First, &e.Second} {
			*v = types.Vote{Kind: types.Prevote, Height: 1, Round: round, Block: types.Hash{byte(i + 1)}, Validator: accused}
			v.Signature = by.Sign(v.SignBytes(n.Genesis.Network()))
		}
		return e
	}
	dave, alice := n.Design.Keys["dave"].Sign, n.Design.Keys["alice"].Sign
	once := caught(2, dave, dave.Public())
	once.Second = once.First
	all := []message.Evidence{caught(0, dave, dave.Public()), caught(1, alice, dave.Public()), once}
	w := network(n)
	w.Targets = w.Targets[:1]
	w.Targets[0].Address = serve(t, accuser{n.Nodes[0].Backend(), all})
	r := newRig(t)
	r.Follow(alpha, w)
	s := r.until("the evidence is known", func(s *nodes.Snapshot) error {
		if s.Evidence == nil {
			return errors.New("not yet")
		}
		return nil
	})
	if len(s.Evidence) != 1 || s.Evidence[0].Round != 0 {
		t.Errorf("believed is %+v", s.Evidence)
	}
}

// mute is a node that tells of no block.
type mute struct{ *engine.Engine }

func (m mute) WaitBlock(ctx context.Context, _ uint64) error {
	<-ctx.Done()
	return ctx.Err()
}

// Another node is listened to when the first tells of no blocks.
func TestANodeThatTellsOfNothing(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	w := network(n)
	w.Targets[0].Address = serve(t, mute{n.Nodes[0].Backend()})
	r := newRig(t)
	r.Follow(alpha, w)
	r.until("all are online", online(4))
	at := r.height()
	r.until("blocks are known", grown(at+50))
}

// Nodes far apart are held beside each other at the heights they have.
func TestNodesFarApart(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	fork := types.SumHash([]byte("another block"))
	for name, forked := range map[string]bool{"of one chain": false, "of two": true} {
		t.Run(name, func(t *testing.T) {
			w := network(n)
			w.Targets[3].Address = lie(t, n.Nodes[3], func(s *message.Status) {
				s.Ready, s.NotReady = false, "the node is catching up"
				if s.Height = 2; forked {
					s.HeadHash = fork
					return
				}
				b, _, err := n.Nodes[3].Backend().Block(t.Context(), 2)
				if err == nil {
					s.HeadHash = b.Header.Hash()
				}
			})
			r := newRig(t)
			r.Follow(alpha, w)
			s := r.until("block 2 is held beside that of another", func(s *nodes.Snapshot) error {
				for _, node := range s.Nodes {
					if node.Blocks[2] != (types.Hash{}) && node.Status.Height > 12 {
						return nil
					}
				}
				return fmt.Errorf("%+v", s.Nodes)
			})
			want := "False"
			if forked {
				want = "True"
			}
			for _, c := range judge(s).Conditions {
				if c.Type == v1alpha1.ConditionDiverged && string(c.Status) != want {
					t.Errorf("diverged: %s, %s", c.Status, c.Message)
				}
			}
		})
	}
}

// A node that nobody links with says that it is ready, and is not believed.
func TestAStrangerIsNotCaughtUp(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	keys := design.NewKeys()
	c := *n.Nodes[0].Config
	site := n.Ports.Next(n.Design)
	c.Name, c.Key, c.Listen, c.Peers = "erin", keys.Sign.Public(), site.Listen, []config.Peer{}
	n.Add(&c, keys)
	w := network(n)
	w.Targets = append(w.Targets, nodes.Target{Name: "erin", Key: keys.Sign.Public(), Stake: 5, Address: c.Listen.API})
	r := newRig(t)
	r.Follow(alpha, w)
	s := r.until("all are known", func(s *nodes.Snapshot) error {
		if s.Nodes[4].Status == nil {
			return errors.New(s.Nodes[4].Problem)
		}
		return online(4)(s)
	})
	if one := s.Nodes[4]; one.Online || s.Online()[one.Key] || !one.Status.Ready || one.Status.Height != 0 {
		t.Errorf("erin is %+v with %+v", one, one.Status)
	}
}

// What is known of a pod is void when another is in its place.
func TestAnotherPod(t *testing.T) {
	t.Parallel()
	n := start(t, always, nil)
	w := network(n)
	r := newRig(t)
	r.Follow(alpha, w)
	before := r.until("all are online", online(4)).Nodes[2]
	targets := append([]nodes.Target(nil), w.Targets...)
	targets[2].Pod, targets[2].Address = "2", ""
	targets[1].Stake = 28
	w.Targets = targets
	r.Follow(alpha, w)
	s := r.until("it has no address yet", online(3))
	if one := s.Nodes[2]; one.Pod != "2" || one.Status != nil || one.Problem != "" || s.Nodes[1].Stake != 28 {
		t.Errorf("it is %+v", one)
	}
	targets = append([]nodes.Target(nil), w.Targets...)
	targets[2].Address = n.Nodes[2].Config.Listen.API
	w.Targets = targets
	r.Follow(alpha, w)
	if after := r.until("it is there", online(4)).Nodes[2]; !after.Since.After(before.Since) {
		t.Errorf("it is there since %v, and was since %v", after.Since, before.Since)
	}
}
