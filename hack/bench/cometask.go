package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/posnet/posnet/node/types"
)

// cometAsker asks one of CometBFT's nodes, by HTTP.
type cometAsker struct {
	address string
	members []member
}

func (a *cometAsker) Close() {}

// get asks for one thing, and reads the result.
func (a *cometAsker) get(ctx context.Context, method string, args url.Values, result any) error {
	u := url.URL{Scheme: "http", Host: a.address, Path: method, RawQuery: args.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Result any             `json:"result"`
		Error  json.RawMessage `json:"error"`
	}{Result: result}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %s", method, answer.Error)
	}
	return nil
}

func (a *cometAsker) Linked(ctx context.Context, peers int) error {
	var info struct {
		Peers int `json:"n_peers,string"`
	}
	if err := a.get(ctx, "net_info", nil, &info); err != nil {
		return err
	}
	s, err := a.sync(ctx)
	if err != nil {
		return err
	}
	if info.Peers != peers || s.Height == 0 || s.CatchingUp { // while it catches up it takes no transfers
		return fmt.Errorf("it has %d peers, is at height %d, and catches up: %v", info.Peers, s.Height, s.CatchingUp)
	}
	return nil
}

// cometSync is how far a node is.
type cometSync struct {
	Height     uint64 `json:"latest_block_height,string"`
	CatchingUp bool   `json:"catching_up"`
}

func (a *cometAsker) sync(ctx context.Context) (cometSync, error) {
	var s struct {
		Sync cometSync `json:"sync_info"`
	}
	err := a.get(ctx, "status", nil, &s)
	return s.Sync, err
}

func (a *cometAsker) Height(ctx context.Context) (uint64, error) {
	s, err := a.sync(ctx)
	return s.Height, err
}

func (a *cometAsker) Records(ctx context.Context) (uint64, error) {
	var info struct {
		Response struct {
			Transfers uint64 `json:"data,string"`
		} `json:"response"`
	}
	err := a.get(ctx, "abci_info", nil, &info)
	return info.Response.Transfers, err
}

func atHeight(height uint64) url.Values {
	return url.Values{"height": {strconv.FormatUint(height, 10)}}
}

func (a *cometAsker) Hash(ctx context.Context, height uint64) (string, error) {
	var b struct {
		ID struct {
			Hash string `json:"hash"`
		} `json:"block_id"`
	}
	err := a.get(ctx, "block", atHeight(height), &b)
	return b.ID.Hash, err
}

func (a *cometAsker) Account(ctx context.Context, key types.PublicKey) (balance, paid uint64, err error) {
	var q struct {
		Response struct {
			Code  int    `json:"code"`
			Log   string `json:"log"`
			Value []byte `json:"value"`
		} `json:"response"`
	}
	err = a.get(ctx, "abci_query", url.Values{"path": {`"account"`}, "data": {fmt.Sprintf("0x%x", key[:])}}, &q)
	if err != nil {
		return 0, 0, err
	}
	if len(q.Response.Value) != 16 {
		return 0, 0, fmt.Errorf("account %s: code %d %s, and %d bytes", key, q.Response.Code, q.Response.Log, len(q.Response.Value))
	}
	return binary.BigEndian.Uint64(q.Response.Value), binary.BigEndian.Uint64(q.Response.Value[8:]), nil
}

func (a *cometAsker) Voted(ctx context.Context, height uint64, node int) (bool, error) {
	type signature struct {
		Validator string `json:"validator_address"`
	}
	var c struct {
		Header struct {
			Commit struct {
				Signatures []signature `json:"signatures"`
			} `json:"commit"`
		} `json:"signed_header"`
	}
	if err := a.get(ctx, "commit", atHeight(height), &c); err != nil {
		return false, err
	}
	// Who is absent has an empty address, and who precommitted nil has voted too.
	return slices.ContainsFunc(c.Header.Commit.Signatures, func(s signature) bool { return s.Validator == a.members[node].Address }), nil
}
