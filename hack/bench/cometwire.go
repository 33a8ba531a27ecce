package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// cometWire is JSON-RPC over a websocket, one transfer a frame: a node takes no
// more at once.
type cometWire struct{}

const (
	cometSubmit  = `{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":"`
	cometEnd     = `"}}`
	cometTaken   = `"result":{"code":0,`
	cometReason  = `"data":"`
	cometBadCode = `"result":{"code":`
	cometID      = `"block_id":{"hash":"`
)

const (
	cometTransfer = 144 // bytes of a transfer
	cometNumber   = 72  // where the payer's running number begins
)

func (cometWire) path() string  { return "/websocket" }
func (cometWire) maxBatch() int { return 1 }

// transfer is 144 bytes in base64: payer, receiver, amount, number, signature.
func (cometWire) transfer(a *accounts, account int, nonce uint64) ([]byte, error) {
	from, to := a.keys[account].Public(), a.keys[receiverOf(account)].Public()
	b := append(append([]byte{}, from[:]...), to[:]...)
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, 1), nonce)
	signature := a.keys[account].Sign(b)
	return base64.StdEncoding.AppendEncode(nil, append(b, signature[:]...)), nil
}

func (cometWire) frame(to []byte, t *transfers, first, n int) []byte {
	to = append(to, cometSubmit...)
	for k := first; k < first+n; k++ {
		to = append(to, t.record(k)...)
	}
	return append(to, cometEnd...)
}

func (cometWire) refusal(answer []byte) string {
	if bytes.Contains(answer, []byte(cometTaken)) {
		return ""
	}
	if _, rest, ok := bytes.Cut(answer, []byte(cometReason)); ok && bytes.Contains(answer, []byte(`"error"`)) {
		reason, _, _ := bytes.Cut(rest, []byte(`"`))
		reason, _, _ = bytes.Cut(reason, []byte(":"))
		return strconv.Quote(string(reason))
	}
	if _, rest, ok := bytes.Cut(answer, []byte(cometBadCode)); ok {
		code, _, _ := bytes.Cut(rest, []byte(","))
		return "code " + string(code)
	}
	return "no answer that is known"
}

func (cometWire) subscription() string {
	return `{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlock'"}}`
}

func (cometWire) subscribed(answer []byte) bool { return bytes.Contains(answer, []byte(`"result":{}`)) }

// scan looks for names in the news of a block, as scanBlock does. What a block
// tells is the round of the one before it.
func (cometWire) scan(frame []byte, each func([]byte, uint64) error) (news, error) {
	var n news
	_, block, ok := bytes.Cut(frame, []byte(`"block":{"header":{`))
	if !ok {
		return n, fmt.Errorf("a frame is no news of a block: %.200s", frame)
	}
	var err error
	if n.height, block, err = numberAfter(block, `"height":"`); err != nil {
		return n, err
	}
	_, block, ok = bytes.Cut(block, []byte(`"data":{"txs":`))
	if !ok {
		return n, fmt.Errorf("the news of block %d has no transfers", n.height)
	}
	if block, err = scanTransfers(block, each); err != nil {
		return n, fmt.Errorf("block %d: %w", n.height, err)
	}
	_, block, _ = bytes.Cut(block, []byte(`"last_commit":`))
	round, block, err := numberAfter(block, `"round":`)
	if err != nil {
		return n, err
	}
	n.round = uint32(round)
	_, block, _ = bytes.Cut(block, []byte(cometID)) // of the block before
	_, block, _ = bytes.Cut(block, []byte(cometID))
	hash, _, ok := bytes.Cut(block, []byte(`"`))
	if !ok {
		return n, fmt.Errorf("the news of block %d has no hash", n.height)
	}
	n.hash = string(hash)
	return n, nil
}

// scanTransfers reads a list of transfers and returns what follows it.
func scanTransfers(list []byte, each func([]byte, uint64) error) ([]byte, error) {
	var transfer [cometTransfer + 2]byte // base64 counts by threes
	if rest, empty := bytes.CutPrefix(list, []byte("null")); empty {
		return rest, nil
	}
	rest := list[min(1, len(list)):] // behind the bracket
	for {
		text, ok := bytes.CutPrefix(rest, []byte(`"`))
		if !ok {
			return rest, nil
		}
		end := bytes.IndexByte(text, '"')
		if end < 0 || base64.StdEncoding.DecodedLen(end) > len(transfer) {
			return nil, fmt.Errorf("what is no transfer: %.250s", text)
		}
		n, err := base64.StdEncoding.Decode(transfer[:], text[:end])
		if err != nil || n != cometTransfer {
			return nil, fmt.Errorf("what is no transfer: %.250s", text)
		}
		if err := each(transfer[:32], binary.BigEndian.Uint64(transfer[cometNumber:])); err != nil {
			return nil, err
		}
		rest = bytes.TrimPrefix(text[end+1:], []byte(","))
	}
}
