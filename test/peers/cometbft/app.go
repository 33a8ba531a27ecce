package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"
)

// The codes of answers.
const (
	codeOK      = 0
	codeBad     = 1 // no transfer, or the signature is wrong
	codeUnpaid  = 2 // the payer has not so much
	codeUnknown = 3 // no such query
)

// genesisState is the app's part of the genesis.
type genesisState struct {
	Balance int64 `json:"balance"` // of every account
}

// app is the ledger. The mempool, queries and consensus call it at once.
type app struct {
	abci.BaseApplication

	mu       sync.Mutex
	verified map[[sha256.Size]byte]struct{} // transfers that wait, by their hashes
	ledger   *ledger
}

func openApp(dir string) (*app, error) {
	l, err := openLedger(dir)
	if err != nil {
		return nil, err
	}
	return &app{verified: map[[sha256.Size]byte]struct{}{}, ledger: l}, nil
}

func (a *app) close() error { return a.ledger.close() }

// verify checks a transfer unless this node did so before. Signatures are checked
// outside the lock.
func (a *app) verify(tx []byte) error {
	id := sha256.Sum256(tx)
	a.mu.Lock()
	_, done := a.verified[id]
	a.mu.Unlock()
	if done {
		return nil
	}
	if err := checkTransfer(tx); err != nil {
		return err
	}
	a.mu.Lock()
	a.verified[id] = struct{}{}
	a.mu.Unlock()
	return nil
}

// Info tells CometBFT how far the ledger is, and in Data how many transfers it has.
func (a *app) Info(context.Context, *abci.InfoRequest) (*abci.InfoResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.ledger.head
	return &abci.InfoResponse{Data: strconv.FormatUint(h.transfers, 10), LastBlockHeight: h.height, LastBlockAppHash: h.digest[:]}, nil
}

// InitChain takes the balance that all accounts begin with.
func (a *app) InitChain(_ context.Context, r *abci.InitChainRequest) (*abci.InitChainResponse, error) {
	var g genesisState
	if err := json.Unmarshal(r.AppStateBytes, &g); err != nil {
		return nil, fmt.Errorf("the genesis' app state: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ledger.head.initial = g.Balance
	return &abci.InitChainResponse{AppHash: a.ledger.head.digest[:]}, nil
}

// CheckTx verifies a transfer before it waits in the mempool.
func (a *app) CheckTx(_ context.Context, r *abci.CheckTxRequest) (*abci.CheckTxResponse, error) {
	if err := a.verify(r.Tx); err != nil {
		return &abci.CheckTxResponse{Code: codeBad, Log: err.Error()}, nil
	}
	return &abci.CheckTxResponse{Code: codeOK, GasWanted: 1}, nil
}

// PrepareProposal proposes what the mempool gave: all of it is verified.
func (a *app) PrepareProposal(_ context.Context, r *abci.PrepareProposalRequest) (*abci.PrepareProposalResponse, error) {
	return &abci.PrepareProposalResponse{Txs: r.Txs}, nil
}

// ProcessProposal refuses a block with a transfer that does not verify.
func (a *app) ProcessProposal(_ context.Context, r *abci.ProcessProposalRequest) (*abci.ProcessProposalResponse, error) {
	for _, tx := range r.Txs {
		if a.verify(tx) != nil {
			return &abci.ProcessProposalResponse{Status: abci.PROCESS_PROPOSAL_STATUS_REJECT}, nil
		}
	}
	return &abci.ProcessProposalResponse{Status: abci.PROCESS_PROPOSAL_STATUS_ACCEPT}, nil
}

// FinalizeBlock books a block's transfers in memory.
func (a *app) FinalizeBlock(_ context.Context, r *abci.FinalizeBlockRequest) (*abci.FinalizeBlockResponse, error) {
	results := make([]*abci.ExecTxResult, len(r.Txs))
	for i, tx := range r.Txs {
		results[i] = &abci.ExecTxResult{Code: codeOK}
		if err := a.verify(tx); err != nil {
			results[i] = &abci.ExecTxResult{Code: codeBad, Log: err.Error()}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	digest := sha256.New()
	digest.Write(a.ledger.head.digest[:])
	for i, tx := range r.Txs {
		if results[i].Code != codeOK {
			continue
		}
		delete(a.verified, sha256.Sum256(tx))
		if !a.ledger.book(readTransfer(tx)) {
			results[i] = &abci.ExecTxResult{Code: codeUnpaid, Log: "the payer has not so much"}
			continue
		}
		digest.Write(tx[signatureAt:])
	}
	digest.Sum(a.ledger.head.digest[:0])
	a.ledger.head.height = r.Height
	return &abci.FinalizeBlockResponse{TxResults: results, AppHash: a.ledger.head.digest[:]}, nil
}

// Commit writes what the block changed, and syncs.
func (a *app) Commit(context.Context, *abci.CommitRequest) (*abci.CommitResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &abci.CommitResponse{}, a.ledger.commit()
}

// Query answers path "account", with a public key as data: sixteen bytes, its
// balance and how many transfers it has paid.
func (a *app) Query(_ context.Context, r *abci.QueryRequest) (*abci.QueryResponse, error) {
	if r.Path != "account" || len(r.Data) != len(key{}) {
		return &abci.QueryResponse{Code: codeUnknown, Log: `the path must be "account", and the data a public key of 32 bytes`}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return &abci.QueryResponse{Code: codeOK, Value: a.ledger.account(key(r.Data)).encode(), Height: a.ledger.head.height}, nil
}
