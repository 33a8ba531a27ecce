package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// news is what the loader needs of a frame that tells of a block.
type news struct {
	height uint64
	round  uint32
	hash   string
}

// scanBlock reads the news of a block and calls each for every transfer in it.
// It looks for names, and does not parse the JSON: the loader shares the
// processors with the nodes it measures. That it finds every record is checked
// at the end of each run, against the nodes' own balances.
func scanBlock(frame []byte, each func(sender []byte, nonce uint64) error) (news, error) {
	var n news
	if !bytes.HasPrefix(frame, []byte(`{"topic":"blocks"`)) {
		return n, fmt.Errorf("a frame is no news of a block: %.200s", frame)
	}
	head, items, ok := bytes.Cut(frame, []byte(`"items":[`))
	if !ok {
		return n, fmt.Errorf("the news of a block has no items: %.200s", frame)
	}
	var err error
	if n.height, _, err = numberAfter(head, `"index":`); err != nil {
		return n, err
	}
	round, _, err := numberAfter(head, `"round":`)
	if err != nil {
		return n, err
	}
	n.round = uint32(round)
	_, rest, _ := bytes.Cut(head, []byte(`"hash":"`))
	hash, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return n, fmt.Errorf("the news of block %d has no hash", n.height)
	}
	n.hash = string(hash)
	return n, scanItems(items, each)
}

const (
	senderField = `"sender":"`
	nonceField  = `"nonce":`
)

func scanItems(items []byte, each func(sender []byte, nonce uint64) error) error {
	for {
		_, rest, ok := bytes.Cut(items, []byte(senderField))
		if !ok {
			return nil
		}
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return fmt.Errorf("a sender without an end: %.100s", rest)
		}
		nonce, after, err := numberAfter(rest[end:], nonceField)
		if err != nil {
			return err
		}
		if err := each(rest[:end], nonce); err != nil {
			return err
		}
		items = after
	}
}

// numberAfter returns the whole number behind the first field in b, and what
// follows it.
func numberAfter(b []byte, field string) (uint64, []byte, error) {
	_, rest, ok := bytes.Cut(b, []byte(field))
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(string(rest[:end]), 10, 64)
	if !ok || err != nil {
		return 0, nil, fmt.Errorf("no number behind %s in %.100s", field, b)
	}
	return n, rest[end:], nil
}
