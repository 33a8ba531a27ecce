# All that is needed is Go. Its tools (controller-gen, golangci-lint) are built
# from hack/tools/go.mod the first time they are used, which takes some minutes.

GO ?= go
TOOL = $(GO) tool -modfile=hack/tools/go.mod
CRD_OPTIONS = crd:allowDangerousTypes=true# status.fairness.pValue is a number
CRD_DIR = config/crd/bases
API_DIR = api/v1alpha1
RBAC_OPTIONS = rbac:roleName=posnet-operator
RBAC_DIR = config/rbac

# What "make image" builds: by default the image that the chart names.
VERSION ?= $(shell sed -n 's/^appVersion: *\([^ ]*\).*/\1/p' charts/posnet/Chart.yaml)
IMAGE ?= posnet/posnet:$(VERSION)
IMAGE_DIR = dist/image

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what can be made.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the programs into bin/.
	$(GO) build -o bin/ ./cmd/...

.PHONY: generate
generate: ## Write the deep copies of the kinds.
	$(TOOL) controller-gen object paths=./api/...

.PHONY: manifests
manifests: ## Write the CRD, the operator's roles, and of the chart what config/ has.
	$(TOOL) controller-gen $(CRD_OPTIONS) paths=./api/... output:crd:dir=$(CRD_DIR)
	$(TOOL) controller-gen $(RBAC_OPTIONS) paths=./controllers/... output:rbac:dir=$(RBAC_DIR)
	$(GO) run ./hack/chart

.PHONY: verify
verify: ## Check that what is generated is current.
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && cp -r config charts "$$fresh" && \
	$(TOOL) controller-gen object $(CRD_OPTIONS) paths=./api/... output:crd:dir="$$fresh/$(CRD_DIR)" output:object:dir="$$fresh/object" && \
	$(TOOL) controller-gen $(RBAC_OPTIONS) paths=./controllers/... output:rbac:dir="$$fresh/$(RBAC_DIR)" && \
	$(GO) run ./hack/chart "$$fresh" && \
	{ diff -u "$(API_DIR)/zz_generated.deepcopy.go" "$$fresh/object/zz_generated.deepcopy.go" && diff -ur config "$$fresh/config" && diff -ur charts "$$fresh/charts"; } || \
	{ echo 'the generated files are stale: run "make generate manifests" and commit what it writes' >&2; exit 1; }

.PHONY: fmt
fmt: ## Format the code.
	$(GO) fmt ./...

.PHONY: vet
vet: ## Check that the code is formatted, and vet it.
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || \
	{ echo "not formatted; run \"make fmt\":" "$$unformatted" >&2; exit 1; }
	$(GO) vet ./...

.PHONY: lint
lint: ## Run the linters, and prove that the import rules bite.
	$(TOOL) golangci-lint run ./...
	hack/lint-bites.sh "$$($(TOOL) -n golangci-lint)"

.PHONY: test
test: verify vet lint unit fuzz-pass ## Check everything: generated files, format, vet, lint, tests, a second of each fuzz target.

.PHONY: control-plane
control-plane: # Build the API server and etcd that tests need, which takes minutes the first time: more than a test may.
	@test -n "$$KUBEBUILDER_ASSETS" || hack/kind-node/build.sh control-plane >/dev/null

.PHONY: unit
unit: control-plane ## Run the tests alone.
	$(GO) test ./...
	$(GO) test -tags failpoints ./node/failpoint

# The packages in which goroutines share things.
SHARING = ./client/... ./controllers/observe/... ./local/... ./node ./node/console ./node/engine ./node/p2p ./node/pool ./node/rpc/... ./node/storage ./test/linear

.PHONY: race
race: ## Run the tests of what goroutines share under the race detector (needs a C compiler).
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(SHARING)

.PHONY: test-race
test-race: control-plane ## Run all tests under the race detector (needs a C compiler; takes long).
	CGO_ENABLED=1 $(GO) test -race -timeout 60m ./...

.PHONY: cover
cover: ## Run the tests and tell what share of the code they reach.
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	@$(GO) tool cover -func=cover.out | tail -n 1

TIME ?= 5s

.PHONY: fuzz
fuzz: ## Fuzz every reader of bytes from outside: make fuzz TIME=5m ONLY=p2p.
	$(GO) run ./hack/fuzz -time $(TIME) $(if $(ONLY),-only "$(ONLY)")

.PHONY: fuzz-pass
fuzz-pass: ## Fuzz each target for a second, with the packages as the tests compile them.
	$(GO) run ./hack/fuzz -plain -time 1s

HEIGHTS ?= 20000

.PHONY: sim
sim: ## Play random networks in the simulator: make sim HEIGHTS=100000.
	$(GO) run ./hack/sim -heights $(HEIGHTS)

.PHONY: sim-twins
sim-twins: ## Play every Twins scenario of up to four rounds; takes an hour.
	$(GO) run ./hack/sim -twins 4

ROUNDS ?= 300
.PHONY: crash
crash: ## Kill and hurt nodes under load, ROUNDS times (SEED=… for the same again).
	$(GO) test ./test/faults -count=1 -timeout 24h -v -run TestCrashes -rounds $(ROUNDS) $(if $(SEED),-seed $(SEED))

.PHONY: linear
linear: ## Check what clients see while nodes are killed and cut off, ROUNDS times (SEED=… likewise).
	$(GO) test ./test/linear -count=1 -timeout 24h -v -run TestLinearizable -rounds $(ROUNDS) $(if $(SEED),-seed $(SEED))

.PHONY: bench
bench: ## Measure a network of four processes; prints a table.
	$(GO) run ./hack/bench

.PHONY: bench-operator
bench-operator: ## Measure the operator with 200 networks; prints a table.
	$(GO) run ./hack/benchoperator

PEERS ?= -write docs/performance.md

.PHONY: bench-peers
bench-peers: ## Measure posnet and CometBFT in turn; PEERS has the flags of hack/peers.
	$(GO) run ./hack/peers $(PEERS)

TIME ?= 1h
SOAK ?= -write docs/performance.md -picture docs/soak.svg

.PHONY: soak
soak: ## Run four nodes for TIME and tell what grows; SOAK has the flags of hack/soak.
	$(GO) run ./hack/soak -time $(TIME) $(SOAK)

SCALE ?= -write docs/performance.md -pictures docs

.PHONY: scale
scale: ## Measure how cost grows with validators, accounts and blocks; SCALE has the flags of hack/scale.
	$(GO) run ./hack/scale $(SCALE)

.PHONY: test-peers
test-peers: ## Test the app that CometBFT is measured with, which is in a module of its own.
	$(GO) vet -C test/peers/cometbft ./...
	$(GO) test -C test/peers/cometbft ./...

.PHONY: image
image: ## Build the container image IMAGE, of VERSION; fetches nothing, needs Docker.
	rm -rf $(IMAGE_DIR)
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(IMAGE_DIR)/ ./cmd/...
	docker build --quiet --build-arg VERSION=$(VERSION) --tag $(IMAGE) --file Dockerfile $(IMAGE_DIR)

.PHONY: kind-up
kind-up: ## Make a kind cluster with the operator and a first network (needs Docker).
	$(GO) run ./hack/kind up

.PHONY: kind-down
kind-down: ## Take that cluster away.
	$(GO) run ./hack/kind down

.PHONY: e2e
e2e: ## Tell all stories on a kind cluster of their own (needs Docker).
	$(GO) test -tags e2e -count=1 -timeout 75m -v ./test/e2e

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin dist cover.out
