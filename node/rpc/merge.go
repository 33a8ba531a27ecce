package rpc

import (
	"errors"
	"strconv"
	"strings"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// readRecords reads the records of a merge, all or none. The first wrong one is
// a *RecordError.
func readRecords(pool []byte) ([]*types.Record, error) {
	if pool[0] != '[' {
		return nil, badRequest(`Operation "merge": "pool" is %s: it must be an array of records`, clip(pool))
	}
	var records []*types.Record
	err := walkArray(pool, func(value []byte) error {
		if len(records) == message.MaxMergeRecords {
			return message.Errorf(message.StatusTooLarge, "A merge takes at most %d records: send the rest in another", message.MaxMergeRecords)
		}
		r, err := readRecord(value, len(records))
		records = append(records, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

func readRecord(value []byte, index int) (*types.Record, error) {
	if value[0] != '{' {
		return nil, badRequest(`pool[%d] is %s: it must be an object with "sender", "receiver" and "amount"`, index, clip(value))
	}
	r := &types.Record{}
	err := r.UnmarshalJSON(value)
	if err == nil {
		return r, nil
	}
	if field := new(types.FieldError); errors.As(err, &field) {
		return nil, &RecordError{Index: index, Err: err}
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		if field, err := strconv.Unquote(name); err == nil {
			return nil, badRequest(`pool[%d] has a field %s, which no record has: a transfer has "sender", "receiver" and "amount", and a signed one "nonce", "t" and "signature"`, index, quote(field))
		}
	}
	return nil, badRequest("pool[%d] %v", index, err)
}
