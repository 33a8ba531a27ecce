package engine

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posnet/posnet/node/heights"
	"github.com/posnet/posnet/node/p2p"
	"github.com/posnet/posnet/node/storage"
	"github.com/posnet/posnet/node/types"
	"github.com/posnet/posnet/node/validity"
)

const (
	// snapshotPatience is how long a peer has to answer: to find the parts of a
	// state of ten million accounts it walks over all of it. It has as long again for
	// all of its offer and for all of its parts, and beside it what the bytes take
	// at snapshotRate, in bytes a second: less than any link that a validator can use.
	snapshotPatience = 20 * time.Second
	snapshotRate     = 50_000
)

// joiner has the node go on from a peer's snapshot of the state, where blocks
// cannot be had or would not be kept. Nothing that a peer says is acted on before
// it is checked: the validators are followed from those this node trusts, by
// their handovers; they vouch for a header; it binds the digest of the state,
// that binds the outline, and the outline each part. Parts go to disk aside, one
// by one, and take the place of the state when all are there.
//
// One peer is asked at a time, for one piece. What was checked stays when
// another is asked.
type joiner struct {
	mu     sync.Mutex
	from   types.PublicKey // who is asked; zero: nobody
	began  time.Time       // with the offer, or with the parts
	got    int             // bytes since then that were of use
	asked  time.Time
	what   snapshotWanted
	answer bool // one is expected
	above  uint64
	root   *validity.Trust // in the validators of this node's head
	trust  *validity.Trust // in those that vouched last; nil: none has yet
	trial  *validity.Trust // in those that the handovers lead to which came with offer
	offer  *offer          // of from; its next header is not vouched for yet
	sound  *offer          // vouched for
	next   int             // the first part of sound that is not here
	doubts snapshotDoubts

	stall stall // of the main loop
}

// advance has the node go on from a snapshot where there is reason to, and sees
// that whoever is asked answers. Blocks are fetched meanwhile, if anybody has
// them: nobody can keep a node from blocks by an offer. It is of the main loop.
func (j *joiner) advance(e *Engine) {
	if !j.mu.TryLock() {
		return // an answer is being checked
	}
	defer j.mu.Unlock()
	head := e.chain.head.Height
	if j.sound != nil && j.sound.height() <= head {
		j.end(e) // blocks were faster
	}
	if !j.from.IsZero() {
		reason := j.slow()
		if reason == nil {
			return
		}
		j.doubt(e, reason)
	}
	peer, ok := j.choose(e)
	if !ok {
		return
	}
	n := e.chain.next
	j.root = validity.NewTrust(e.network, n.Set, n.Height)
	j.from, j.above, j.began, j.got = peer, head, time.Now(), 0
	j.ask(e, snapshotWanted{Piece: pieceOffer})
}

// end lets go of what is here of a snapshot that is needed no more.
func (j *joiner) end(e *Engine) {
	j.forget()
	if err := e.options.Data.Store.Unstage(); err != nil {
		e.die(err)
	}
}

// forget is for when the chain is where the snapshot is, or further.
func (j *joiner) forget() {
	j.from, j.trust, j.offer, j.sound, j.next = types.PublicKey{}, nil, nil, nil, 0
}

// ask asks the peer for a piece.
func (j *joiner) ask(e *Engine, what snapshotWanted) {
	j.what, j.answer, j.asked = what, true, time.Now()
	if !e.options.Links.Send(j.from, p2p.KindSnapshotWanted, what.encode(nil)) {
		j.doubt(e, errors.New("its link is down"))
	}
}

// doubt turns away from the peer that is asked.
func (j *joiner) doubt(e *Engine, reason error) {
	e.warn("a peer's snapshot is of no use: another is asked", j.from.Short(), "reason", reason)
	if j.doubts == nil {
		j.doubts = snapshotDoubts{}
	}
	if errors.Is(reason, errNoOffer) {
		j.doubts.pass(j.from)
	} else {
		j.doubts.add(j.from)
	}
	j.from, j.offer, j.answer = types.PublicKey{}, nil, false
}

// lost notes that a peer is gone: its answer will not come.
func (j *joiner) lost(e *Engine, peer types.PublicKey) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.from == peer {
		j.doubt(e, errors.New("it is gone"))
	}
}

// receiveSnapshot checks a piece on the link's own goroutine and asks for the
// next one.
func (e *Engine) receiveSnapshot(from types.PublicKey, payload []byte) error {
	whole, err := e.join.receive(e, from, payload)
	var disk diskError
	switch { // the main loop may be waiting for the joiner: it is called without it
	case errors.As(err, &disk):
		e.die(disk.error)
		return nil
	case err != nil && !errors.Is(err, errUnasked):
		e.call(func() { e.fetch.advance(e) })
	case whole:
		e.call(e.install)
	}
	return err
}

// receive checks a piece, and reports whether it was the last.
func (j *joiner) receive(e *Engine, from types.PublicKey, payload []byte) (whole bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if from != j.from || !j.answer {
		return false, errUnasked
	}
	j.answer = false
	what, body, err := decodeSnapshot(payload)
	if err == nil && what != j.what {
		err = fmt.Errorf("it answers what it was not asked: piece %d of height %d", what.Piece, what.At)
	}
	if err == nil {
		err = j.take(e, body)
	}
	if err != nil {
		j.doubt(e, err)
		return false, err
	}
	j.got += len(payload)
	return j.sound != nil && j.next == j.sound.outline.Parts(), nil
}

// diskError is an error that is none of the peer's.
type diskError struct{ error }

// errNoOffer is no fault of a peer's.
var errNoOffer = errors.New("it offers none now: it has let go of it, or gives to as many others as it can")

// take checks a piece and does what follows upon it.
func (j *joiner) take(e *Engine, body []byte) error {
	if len(body) == 0 && j.what.Piece == pieceOffer {
		return errNoOffer
	}
	if len(body) == 0 {
		return fmt.Errorf("it does not have it: piece %d of height %d", j.what.Piece, j.what.At)
	}
	switch j.what.Piece {
	case pieceOffer:
		return j.takeOffer(e, body)
	case pieceHandovers:
		return j.takeHandovers(e, body)
	}
	return j.takePart(e, body)
}

func (j *joiner) takeOffer(e *Engine, body []byte) error {
	o, err := decodeOffer(body)
	if err != nil {
		return err
	}
	if err := validity.CheckNetwork(o.next, e.network); err != nil {
		return err
	}
	if o.height() <= j.above {
		return fmt.Errorf("it is of height %d, and this node has block %d", o.height(), j.above)
	}
	trust := j.trust
	if trust == nil || trust.Next() <= j.above || trust.Next() > o.next.Height {
		trust = j.root
	}
	trial := *trust // until this offer is vouched for, what comes with it is of no other
	j.offer, j.trial = o, &trial
	return j.follow(e)
}

// follow asks for the handovers up to the snapshot, as far as they are not known.
func (j *joiner) follow(e *Engine) error {
	if j.trial.Next() <= j.offer.height() {
		j.ask(e, snapshotWanted{Piece: pieceHandovers, At: j.trial.Next(), Index: j.offer.height()})
		return nil
	}
	return j.vouch(e)
}

// takeHandovers trusts the validators that others handed over to, and keeps what
// proves it, for those who ask this node.
func (j *joiner) takeHandovers(e *Engine, body []byte) error {
	list, err := decodeHandovers(body)
	if err != nil {
		return err
	}
	var proofs []storage.Change
	for _, h := range list {
		if h.Header.Height > j.offer.height() {
			return fmt.Errorf("a handover of height %d was not asked for", h.Header.Height)
		}
		if err := j.trial.Take(h.Header, h.Certificate, h.Set); err != nil {
			return err
		}
		proofs = append(proofs,
			storage.Change{Key: heights.SetKey(h.Set.Hash()), Value: h.Set.Encode()},
			storage.Change{Key: heights.HandoverKey(h.Header.Height), Value: heights.EncodeCertified(h.Header, h.Certificate.Encode())})
		for i := range h.Set.Len() {
			v := h.Set.At(i)
			proofs = append(proofs, storage.Change{Key: append([]byte{keyName}, v.Key[:]...), Value: []byte(v.Name)})
		}
	}
	if len(list) == 0 {
		return j.vouch(e)
	}
	if err := e.options.Data.Store.Put(proofs...); err != nil {
		return diskError{err}
	}
	return j.follow(e)
}

// vouch checks that the validators who are trusted by now certified the header
// that binds the snapshot, and begins with its parts: or goes on with them, if
// they are those of a peer asked before.
func (j *joiner) vouch(e *Engine) error {
	if err := j.trial.Check(j.offer.next, j.offer.certificate); err != nil {
		return err
	}
	j.trust, j.began, j.got = j.trial, time.Now(), 0
	if j.sound == nil || !bytes.Equal(j.sound.raw, j.offer.raw) {
		if err := e.options.Data.Store.Unstage(); err != nil {
			return diskError{err}
		}
		j.sound, j.next = j.offer, 0
	}
	e.log.Info("this node goes on from a snapshot of the state", "peer", j.from.Short(), "height", j.sound.height(),
		"digest", j.sound.next.State.Short(), "parts", j.sound.outline.Parts(), "here", j.next)
	if j.next < j.sound.outline.Parts() {
		j.askPart(e)
	}
	return nil
}

func (j *joiner) askPart(e *Engine) {
	j.ask(e, snapshotWanted{Piece: piecePart, At: j.sound.height(), Index: uint64(j.next)})
}

// takePart keeps a part of the state aside.
func (j *joiner) takePart(e *Engine, body []byte) error {
	list, err := decodeEntries(body)
	if err != nil {
		return err
	}
	if err := j.sound.outline.Check(j.next, list); err != nil {
		return err
	}
	if err := e.options.Data.Store.Stage(stored(list)...); err != nil {
		return diskError{err}
	}
	if j.next++; j.next < j.sound.outline.Parts() {
		j.askPart(e)
	}
	j.asked = time.Now() // nobody else is asked before the state is in its place
	return nil
}

// install has the node go on from the snapshot, all of which is here.
func (e *Engine) install() {
	j := &e.join
	j.mu.Lock()
	o, before := j.sound, e.chain.head.Height
	whole := o != nil && j.next == o.outline.Parts()
	switch {
	case whole && o.height() > before:
		j.forget()
		j.doubts = nil
	case whole:
		j.end(e) // blocks were faster
		whole = false
	}
	j.mu.Unlock()
	if !whole {
		return
	}
	if err := e.replaceChain(o); err != nil {
		e.die(fmt.Errorf("the snapshot of height %d: %w", o.height(), err))
		return
	}
	e.log.Info("caught up by a snapshot of the state", "from", before, "to", o.height())
	e.metrics.snapshots.Inc()
	e.step(e.nextHeight())
	e.fetch.advance(e)
}

// replaceChain puts the staged state in the place of the chain.
func (e *Engine) replaceChain(o *offer) error {
	e.mu.Lock()
	c, err := e.installChain(o)
	if err == nil {
		e.chain = c
		e.recent.restart(c.head.Height)
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	e.forget()
	e.keeper.restart(c.head.Height)
	e.audit.restart(c.head.Height + 1)
	e.lastCommit = e.headTime()
	e.dropStale()
	e.guests.tendAll()
	e.readiness.committed(c.head.Height)
	return e.signer.prune(c.head.Height + 1)
}

// installChain makes the staged state the stored one, and reads it back.
func (e *Engine) installChain(o *offer) (*chain, error) {
	err := e.options.Data.Store.Install(storage.Installed{
		Height: o.height(), Drop: [][]byte{{heights.KeyInfo}}, Aux: []storage.Change{{Key: []byte{keyBase}, Value: o.header.Encode()}},
	})
	if err != nil {
		return nil, err
	}
	c, err := openChain(e.options.Genesis, e.options.Data.Store)
	if err != nil {
		return nil, err
	}
	if digest := c.state.Digest(); digest != o.next.State || c.head.Hash != o.next.Prev {
		return nil, fmt.Errorf("the state in its place has the digest %s, and must have %s: %w", digest, o.next.State, errDamaged)
	}
	return c, nil
}

// dropStale takes records out of the pool that the state does not admit: they are
// in blocks this node has not seen.
func (e *Engine) dropStale() {
	var stale []types.Hash
	for r := range e.pool.All() {
		if e.chain.state.Admit(r.Record()) != nil {
			stale = append(stale, r.Record().ID())
		}
	}
	e.pool.Remove(stale)
}
