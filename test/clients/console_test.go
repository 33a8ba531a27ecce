package clients_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/posnet/posnet/client"
	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/test/await"
	"github.com/posnet/posnet/test/inprocess"
	"github.com/posnet/posnet/test/wire"
)

const (
	greeting = "You are guest %s with a balance of %s, one of at most 40 guests. You see who wins each block, and every 30s the newest 100 blocks.\n"
	question = "\nEnter a new BPM:"
	wrongBPM = "\nThe BPM is \"fast\": it must be a whole number from 0 to 9007199254740991. Goodbye.\n"
)

// devTCP is nc in the words of bash.
const devTCP = `exec 3<>/dev/tcp/$0/$1 4<&0; cat <&4 >&3 & cat <&3; kill $!`

// programs are the ways to reach a console that this machine has: nc where it
// is installed, and bash everywhere.
func programs(host, port string) map[string][]string {
	all := map[string][]string{"bash": {"bash", "-c", devTCP, host, port}}
	if path, err := exec.LookPath("nc"); err == nil {
		all["nc"] = []string{path, host, port}
	}
	return all
}

// blocks for classrooms come once a second; here there is less time.
const blockInterval = 25 * time.Millisecond

func classroom(t *testing.T) *inprocess.Network {
	t.Helper()
	d := sample(t, "classroom")
	d.Spec.Consensus.MinBlockInterval.Duration = blockInterval
	return inprocess.Start(t, d, 0)
}

// A person at nc is asked for a balance and for BPM after BPM, wins a block, and
// is out with the first word that is no number.
func TestConsoleByProgram(t *testing.T) {
	n := classroom(t)
	host, port, err := net.SplitHostPort(n.Nodes[0].Addresses().Console)
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range programs(host, port) {
		t.Run(name, func(t *testing.T) {
			p := run(t, command[0], command[1:]...)
			p.sees("Enter token balance:")
			key := p.enters("100")
			dialogue := "Enter token balance:" + fmt.Sprintf(greeting, key, "100") + question
			p.sees(dialogue)
			p.types("61")
			dialogue += question
			p.sees(dialogue)
			await.True(t, "the guest wins a block", func() error {
				if !slices.Contains(p.winners(), key+" (you!)") {
					return fmt.Errorf("the winners so far: %v", p.winners())
				}
				return nil
			})
			p.types("62")
			dialogue += question
			p.sees(dialogue)
			p.types("fast")
			p.sees(dialogue + wrongBPM)
			p.seesEnd()
			awaitGuests(t, n, 0)
		})
	}
}

// awaitGuests waits until so many guests are in the draw, by the word of all
// nodes. Who leaves is drawn for one more height, so that blocks must go on.
func awaitGuests(t *testing.T, n *inprocess.Network, want int) {
	t.Helper()
	s := wire.Dial(t, n.Nodes[0].Addresses().API)
	for _, v := range n.Nodes {
		c := v.Dial()
		await.True(t, fmt.Sprintf("%d guests in the draw of %s", want, v.Name), func() error {
			status, err := c.Status(context.Background())
			if err == nil && status.Guests != want {
				s.Expect(mint, accepted)
				err = fmt.Errorf("there are %d", status.Guests)
			}
			return err
		})
	}
}

// player is a guest that types a BPM, and a new one at each block.
type player struct {
	*person
	balance string
	key     string
	quiet   atomic.Bool
}

func play(t *testing.T, address, balance string) *player {
	t.Helper()
	p := &player{balance: balance}
	p.quiet.Store(true) // until it has said with what it plays
	bpm, seen := 60, 0
	p.person = dial(t, address, func(at *person) {
		won := len(at.winners())
		if won > seen && !p.quiet.Load() {
			bpm++
			fmt.Fprintf(at.in, "%d\n", 60+bpm%40) // where it fails, the reading has ended too
		}
		seen = won
	})
	p.sees("Enter token balance:")
	p.key = p.enters(balance)
	p.quiet.Store(false)
	p.types("60")
	return p
}

// heightsToPlay is how many draws with all three guests in it are judged.
const heightsToPlay = 200

// Three sessions win blocks in proportion to their balances, beside the
// validators' stakes; each sees who wins.
func TestGuestsWinInProportion(t *testing.T) {
	n := classroom(t)
	console := n.Nodes[0].Addresses().Console
	c := n.Nodes[0].Dial()
	players := []*player{play(t, console, "100"), play(t, console, "50"), play(t, console, "10")}
	first := awaitAllIn(t, c, players)
	waitHeight(t, n, first+heightsToPlay)

	checkProportion(t, c, first, players)
	f, err := c.Fairness(context.Background())
	if err != nil || f.Draws < heightsToPlay || f.PValue < tiny {
		t.Errorf("the audit says %+v (%v)", f, err)
	}
	for _, p := range players {
		checkWinnersShown(t, c, p)
	}

	// A word where a number belongs.
	players[1].quiet.Store(true)
	players[1].types("fast")
	players[1].seesEnd()
	if !strings.HasSuffix(players[1].dialogue(), wrongBPM) {
		t.Errorf("the session ended with %q", players[1].dialogue())
	}
	awaitGuests(t, n, 2)
	if d := drawAt(t, c, 0); has(d, players[1].key) || !has(d, players[0].key) || !has(d, players[2].key) {
		t.Errorf("in the draw are %+v", d.Participants)
	}
	players[0].end()
	players[2].end()
	awaitGuests(t, n, 0)
}

func waitHeight(t *testing.T, n *inprocess.Network, height uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	for _, v := range n.Nodes {
		if err := v.Backend().WaitBlock(ctx, height); err != nil {
			t.Fatalf("%s is at height %d, and should come to %d: %v", v.Name, v.Backend().Head(), height, err)
		}
	}
}

// awaitAllIn waits until all players are in the draw, and returns its height.
func awaitAllIn(t *testing.T, c *client.Client, players []*player) (height uint64) {
	t.Helper()
	await.True(t, "all are in the draw", func() error {
		d := drawAt(t, c, 0)
		for _, p := range players {
			if !has(d, p.key) {
				return errors.New("the guest of " + p.balance + " is not")
			}
		}
		height = d.Height
		return nil
	})
	return height
}

func drawAt(t *testing.T, c *client.Client, height uint64) message.Draw {
	t.Helper()
	d, err := c.Draw(context.Background(), height, 1)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func has(d message.Draw, key string) bool {
	return slices.ContainsFunc(d.Participants, func(p message.Participant) bool { return p.Key.String() == key })
}

// tiny is how improbable a fair lottery's outcome must be to fail a test.
const tiny = 1e-9

// checkProportion judges who was drawn first, and who won.
func checkProportion(t *testing.T, c *client.Client, first uint64, players []*player) {
	t.Helper()
	expected, drawn, won := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for height := first; height < first+heightsToPlay; height++ {
		d := drawAt(t, c, height)
		if d.TotalWeight != 4*25+100+50+10 || d.Winner == nil {
			t.Fatalf("the draw of height %d is %+v", height, d)
		}
		for _, p := range d.Participants {
			expected[p.Key.String()] += float64(p.Weight) / float64(d.TotalWeight)
		}
		drawn[d.Order[0].Key.String()]++
		won[d.Winner.Key.String()]++
	}
	for _, p := range players {
		t.Logf("the guest of %s: expected %.1f, drawn %v, won %v of %d", p.balance, expected[p.key], drawn[p.key], won[p.key], heightsToPlay)
	}
	for what, observed := range map[string]map[string]float64{"drawn": drawn, "won": won} {
		if p := fit(expected, observed); p < tiny {
			t.Errorf("%s: %v, expected %v: as uneven as that is a fair lottery with probability %g", what, observed, expected, p)
		}
	}
}

// fit is the p-value of Pearson's chi-square test.
func fit(expected, observed map[string]float64) float64 {
	sum := 0.0
	for who, e := range expected {
		sum += (observed[who] - e) * (observed[who] - e) / e
	}
	return distuv.ChiSquared{K: float64(len(expected) - 1)}.Survival(sum)
}

// checkWinnersShown checks that a session saw the winner of every block since it
// began, in order and each once.
func checkWinnersShown(t *testing.T, c *client.Client, p *player) {
	t.Helper()
	shown := p.winners()
	blocks, err := c.Blocks(context.Background(), client.BlocksArgs{Limit: message.MaxBlocks})
	if err != nil {
		t.Fatal(err)
	}
	var won []string
	for _, b := range blocks.Blocks {
		name := b.Name
		if b.Guest {
			name = b.Validator.String()
		}
		if name == p.key {
			name += " (you!)"
		}
		won = append(won, name)
	}
	begin := 0 // the session began somewhat later than the chain
	for begin+len(shown) < len(won) && !slices.Equal(won[begin:begin+len(shown)], shown) {
		begin++
	}
	if len(shown) < heightsToPlay || len(shown) > len(won) || !slices.Equal(won[begin:begin+len(shown)], shown) {
		t.Errorf("the guest of %s saw %v, the winners were %v", p.balance, shown, won)
	}
	for _, b := range blocks.Blocks {
		if b.Guest && (b.BPM < 60 || b.BPM > 100) {
			t.Errorf("block %d of guest %s has the BPM %d", b.Index, b.Validator.Short(), b.BPM)
		}
	}
}
