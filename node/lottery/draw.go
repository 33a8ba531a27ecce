package lottery

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

const (
	// MaxWeight is the most one participant may weigh: what every JSON reader
	// holds exactly.
	MaxWeight = 1<<53 - 1
	// MaxTotal is the most all participants may weigh together. All stakes
	// together stay within MaxWeight, but each of a thousand guests may weigh as
	// much again. A total of 63 bits holds them, overflows in no sum, and is an
	// integer in any language.
	MaxTotal = 1<<63 - 1
	// MaxParticipants bounds the work of one draw: a hundred validators with a
	// thousand guests each fit in.
	MaxParticipants = 1 << 17
)

// ErrNoParticipants is the error of a draw among nobody.
var ErrNoParticipants = errors.New("lottery: nobody takes part: at least one participant is needed")

// Participant takes part in a draw.
type Participant struct {
	// ID is a validator's public key or a guest's session key, unique in a draw.
	ID [32]byte
	// Weight is the stake or the guest's balance, 1 to MaxWeight tokens.
	Weight uint64
	// Guest marks who comes and goes by the draw's own outcome. It does not
	// change the draw; the audit counts guests together.
	Guest bool
}

// Draw is the weighted order, without replacement, of one height's
// participants. Rounds are drawn when first asked for, so a Draw belongs to one
// goroutine at a time.
type Draw struct {
	seed         Seed
	height       uint64
	participants []Participant // ascending by ID
	left         fenwick       // the weights of those not drawn yet
	total        uint64        // the sum of left
	picks        []pick        // by round
}

// pick is what one round drew.
type pick struct {
	index    int    // into participants
	number   uint64 // drawn from 0 to total-1
	total    uint64
	fraction uint64 // further bits of the same hash, for Position
}

// NewDraw prepares the draw of height among participants, whose order does not
// matter and who are not kept. It returns an error that says what is allowed if
// there are none or more than MaxParticipants, if an ID is there twice, if a
// weight is not 1 to MaxWeight, or if they are more than MaxTotal together.
func NewDraw(seed Seed, height uint64, participants []Participant) (*Draw, error) {
	if len(participants) == 0 {
		return nil, ErrNoParticipants
	}
	if len(participants) > MaxParticipants {
		return nil, fmt.Errorf("lottery: %d participants: at most %d are allowed", len(participants), MaxParticipants)
	}
	d := &Draw{seed: seed, height: height, participants: slices.Clone(participants)}
	if !slices.IsSortedFunc(d.participants, byID) {
		slices.SortFunc(d.participants, byID)
	}
	for i, p := range d.participants {
		if i > 0 && p.ID == d.participants[i-1].ID {
			return nil, fmt.Errorf("lottery: participant %x is there twice: each may take part once", p.ID)
		}
		if p.Weight == 0 || p.Weight > MaxWeight {
			return nil, fmt.Errorf("lottery: participant %x weighs %d: the weight must be 1 to %d", p.ID, p.Weight, uint64(MaxWeight))
		}
		if d.total += p.Weight; d.total > MaxTotal {
			return nil, fmt.Errorf("lottery: the participants weigh more than %d together, which is the most allowed", uint64(MaxTotal))
		}
	}
	d.left = newFenwick(d.participants)
	return d, nil
}

func byID(a, b Participant) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// Height returns the height drawn for.
func (d *Draw) Height() uint64 { return d.height }

// Len returns the number of participants, which is the number of rounds before
// the order starts again.
func (d *Draw) Len() int { return len(d.participants) }

// Participants returns the participants in ascending order of their IDs. The
// caller must not change the slice.
func (d *Draw) Participants() []Participant { return d.participants }

// At returns the ID of the round's winner. Rounds from Len on go through the
// same order again.
func (d *Draw) At(round uint32) [32]byte { return d.participants[d.pick(round).index].ID }

// Point returns the number that the round drew and the total it was drawn from:
// 0 <= number < total.
func (d *Draw) Point(round uint32) (number, total uint64) {
	p := d.pick(round)
	return p.number, p.total
}

// Position returns where in the total the round's number lies, from 0 up to 1.
// Were it number / total, a total of ten would give ten values only; so the
// place within number .. number+1 comes from further bits of the same hash,
// which makes positions uniform however small the total is.
func (d *Draw) Position(round uint32) float64 {
	p := d.pick(round)
	within := float64(p.fraction>>11) / (1 << 53)
	return min((float64(p.number)+within)/float64(p.total), oneBelowOne)
}

// oneBelowOne is the greatest float below 1, where rounding would reach 1.
const oneBelowOne = 1 - 1.0/(1<<53)

// Order returns the IDs of all participants in the order drawn.
func (d *Draw) Order() [][32]byte {
	order := make([][32]byte, d.Len())
	for round := range order {
		order[round] = d.At(uint32(round))
	}
	return order
}

func (d *Draw) pick(round uint32) pick {
	round %= uint32(len(d.participants))
	for len(d.picks) <= int(round) {
		next := uint32(len(d.picks))
		number, fraction := uniform(d.seed, d.height, next, d.total)
		p := pick{number: number, total: d.total, fraction: fraction}
		p.index = d.take(number)
		d.picks = append(d.picks, p)
	}
	return d.picks[round]
}

// take removes whoever holds number from the draw and returns the index.
func (d *Draw) take(number uint64) int {
	i := d.left.find(number)
	weight := d.participants[i].Weight
	d.left.subtract(i, weight)
	d.total -= weight
	return i
}

const drawDomain = "posnet/draw/v1"

// uniform returns a number from 0 to total-1, each as likely as the others, and
// 64 further bits. It cuts a hash to the bits of total-1 and takes the next
// hash if that is still not below total, which happens less than every second
// time: no limit is needed, for that it happens even 256 times on end is as
// unlikely as guessing a private key.
func uniform(seed Seed, height uint64, round uint32, total uint64) (number, fraction uint64) {
	var buf [len(drawDomain) + len(seed) + 8 + 4 + 4]byte
	msg := append(buf[:0], drawDomain...)
	msg = append(msg, seed[:]...)
	msg = binary.BigEndian.AppendUint64(msg, height)
	msg = binary.BigEndian.AppendUint32(msg, round)
	shift := bits.LeadingZeros64(total - 1)
	for counter := uint32(0); ; counter++ {
		digest := sha256.Sum256(binary.BigEndian.AppendUint32(msg, counter))
		if number = binary.BigEndian.Uint64(digest[:8]) >> shift; number < total {
			return number, binary.BigEndian.Uint64(digest[8:16])
		}
	}
}
