package rpc

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/posnet/posnet/node/rpc/message"
	"github.com/posnet/posnet/node/types"
)

// parameter is one argument of an operation.
type parameter struct {
	name     string
	required bool
}

// operation is one row of the API.
type operation struct {
	name message.Op
	args []parameter
	help string // one line for the page at /
	run  func(ctx context.Context, s *Server, a *arguments) (any, error)
}

func needed(names ...string) []parameter {
	var list []parameter
	for _, n := range names {
		list = append(list, parameter{name: n, required: true})
	}
	return list
}

func optional(names ...string) []parameter {
	var list []parameter
	for _, n := range names {
		list = append(list, parameter{name: n})
	}
	return list
}

// minHeight is the argument of reads that are to see a block which another node
// may have told of.
const minHeight = "minHeight"

// operations is the API. Those without run are the connection's own: merge is
// worked on beside others, and topics belong to a connection.
var operations = []*operation{
	{message.OpPool, optional("limit", "ids"), "the records that wait for a block", runPool},
	{message.OpMerge, needed("pool"), "brings records into the pool, all or none", nil},
	{message.OpBlocks, optional("start", "limit", "ids", "certified", minHeight), "blocks in order; start 0 is the first after genesis, and a negative one counts from the end", runBlocks},
	{message.OpPeers, nil, "the other validators, and whether this node is linked with them", runPeers},
	{message.OpStatus, nil, "how this node and its chain are", runStatus},
	{message.OpValidators, optional("height"), "the validators of a height", runValidators},
	{message.OpBalance, append(needed("account"), optional(minHeight)...), "an account's balance and next nonce", runBalance},
	{message.OpBlock, append(needed("height"), optional("ids", "certified", minHeight)...), "one block; a negative height counts from the end", runBlock},
	{message.OpRecord, append(needed("id"), optional(minHeight)...), "what became of a record", runRecord},
	{message.OpWinners, optional("height", "limit", minHeight), "who won the blocks up to a height", runWinners},
	{message.OpDraw, optional("height", "limit"), "the lottery of a height: seed, participants, order, winner", runDraw},
	{message.OpFairness, nil, "whether the draws so far look fair", runFairness},
	{message.OpProof, append(needed("id"), optional(minHeight)...), "the proof that a record is in a block", runProof},
	{message.OpEvidence, nil, "votes that contradict each other", runEvidence},
	{message.OpGenesis, nil, "what the network began with", runGenesis},
	{message.OpHandovers, optional("from", "limit"), "heights whose validators handed over to others, from a height on", runHandovers},
	{message.OpSubscribe, needed("topics"), "news of blocks, winners, pool as they happen", nil},
	{message.OpUnsubscribe, needed("topics"), "no more of them", nil},
}

// operationNames lists all operations for error texts.
var operationNames = func() string {
	var names []string
	for _, o := range operations {
		names = append(names, strconv.Quote(string(o.name)))
	}
	return strings.Join(names, ", ")
}()

var byName = func() map[message.Op]*operation {
	all := map[message.Op]*operation{}
	for _, o := range operations {
		all[o.name] = o
	}
	return all
}()

// find returns the operation a request names, with its arguments read.
func find(r request) (*operation, *arguments, *message.Error) {
	o := byName[r.op]
	if o == nil {
		return nil, nil, message.Errorf(message.StatusNotFound, "There is no operation %s: it must be one of %s", quote(string(r.op)), operationNames)
	}
	a, err := readArguments(o, r.args)
	if errors.Is(err, errShape) {
		return nil, nil, notJSON(r.frame)
	}
	if err != nil {
		return nil, nil, refusal(err)
	}
	return o, a, nil
}

func runPool(ctx context.Context, s *Server, a *arguments) (any, error) {
	limit, ids := a.integer("limit", message.DefaultPool, 1, message.MaxPool), a.boolean("ids")
	if a.err != nil {
		return nil, a.err
	}
	records, total, err := s.backend.Pool(ctx, int(limit))
	if err != nil {
		return nil, err
	}
	out := message.Pool{Pool: make([]message.Item, len(records)), More: max(0, total-len(records))}
	for i, r := range records {
		out.Pool[i] = message.Item{Record: r, WithID: ids}
	}
	return out, nil
}

func runPeers(ctx context.Context, s *Server, _ *arguments) (any, error) {
	peers, err := s.backend.Peers(ctx)
	return message.Peers{Peers: listed(peers)}, err
}

func runStatus(ctx context.Context, s *Server, _ *arguments) (any, error) {
	return s.backend.Status(ctx)
}

func runValidators(ctx context.Context, s *Server, a *arguments) (any, error) {
	height := s.lotteryHeight(a)
	if a.err != nil {
		return nil, a.err
	}
	v, err := s.backend.Validators(ctx, height)
	v.Validators = listed(v.Validators)
	return v, err
}

func runBalance(ctx context.Context, s *Server, a *arguments) (any, error) {
	account := a.account("account")
	if a.err != nil {
		return nil, a.err
	}
	return s.backend.Balance(ctx, account)
}

func runRecord(ctx context.Context, s *Server, a *arguments) (any, error) {
	id := a.hash("id")
	if a.err != nil {
		return nil, a.err
	}
	return s.backend.Record(ctx, id)
}

func runWinners(ctx context.Context, s *Server, a *arguments) (any, error) {
	height := uint64(a.integer("height", 0, 0, int64(types.MaxAmount)))
	limit := a.integer("limit", message.DefaultWinners, 1, message.MaxWinners)
	if a.err != nil {
		return nil, a.err
	}
	if head := s.backend.Head(); height > head {
		return nil, message.Errorf(message.StatusNotFound, "There is no block at height %d: the newest has height %d", height, head)
	}
	winners, err := s.backend.Winners(ctx, height, int(limit))
	return message.Winners{Winners: listed(winners)}, err
}

func runDraw(ctx context.Context, s *Server, a *arguments) (any, error) {
	height, limit := s.lotteryHeight(a), a.integer("limit", message.DefaultOrder, 1, message.MaxOrder)
	if a.err != nil {
		return nil, a.err
	}
	d, err := s.backend.Draw(ctx, height, int(limit))
	d.Participants, d.Order = listed(d.Participants), listed(d.Order)
	return d, err
}

func runFairness(ctx context.Context, s *Server, _ *arguments) (any, error) {
	f, err := s.backend.Fairness(ctx)
	f.Participants = listed(f.Participants)
	return f, err
}

func runEvidence(ctx context.Context, s *Server, _ *arguments) (any, error) {
	evidence, err := s.backend.Evidence(ctx, message.MaxEvidence)
	return message.EvidenceList{Evidence: listed(evidence)}, err
}

func runGenesis(ctx context.Context, s *Server, _ *arguments) (any, error) {
	return s.backend.Genesis(ctx)
}

func runHandovers(ctx context.Context, s *Server, a *arguments) (any, error) {
	from := a.integer("from", 1, 1, int64(types.MaxAmount))
	limit := a.integer("limit", message.DefaultHandovers, 1, message.MaxHandovers)
	if a.err != nil {
		return nil, a.err
	}
	handovers, err := s.backend.Handovers(ctx, uint64(from), int(limit))
	return message.Handovers{Handovers: listed(handovers)}, err
}

// listed makes an empty list of none: readers expect [], not null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// lotteryHeight reads a height whose draw is known: up to the one under way,
// for which 0 stands.
func (s *Server) lotteryHeight(a *arguments) uint64 {
	height := uint64(a.integer("height", 0, 0, int64(types.MaxAmount)))
	if head := s.backend.Head(); a.err == nil && height > head+1 {
		a.err = message.Errorf(message.StatusNotFound, "Height %d is not known yet: the one under way is %d", height, head+1)
	}
	return height
}
