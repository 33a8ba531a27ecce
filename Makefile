# All that is needed is Go. Its tools (controller-gen, golangci-lint) are built
# from hack/tools/go.mod the first time they are used, which takes some minutes.

GO ?= go
TOOL = $(GO) tool -modfile=hack/tools/go.mod
CRD_OPTIONS = crd:allowDangerousTypes=true# status.fairness.pValue is a number
CRD_DIR = config/crd/bases
API_DIR = api/v1alpha1

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what can be made.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the programs into bin/.
	$(GO) build -o bin/ ./cmd/...

.PHONY: generate
generate: ## Write the deep copies of the kinds.
	$(TOOL) controller-gen object paths=./api/...

.PHONY: manifests
manifests: ## Write the CRD of the kinds.
	$(TOOL) controller-gen $(CRD_OPTIONS) paths=./api/... output:crd:dir=$(CRD_DIR)

.PHONY: verify
verify: ## Check that what is generated is current.
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(TOOL) controller-gen object $(CRD_OPTIONS) paths=./api/... output:crd:dir="$$fresh/crd" output:object:dir="$$fresh/object" && \
	{ diff -u "$(API_DIR)/zz_generated.deepcopy.go" "$$fresh/object/zz_generated.deepcopy.go" && diff -ur "$(CRD_DIR)" "$$fresh/crd"; } || \
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
test: verify vet lint unit ## Check everything: generated files, format, vet, lint, tests.

.PHONY: unit
unit: ## Run the tests alone.
	$(GO) test ./...

.PHONY: test-race
test-race: ## Run the tests under the race detector (needs a C compiler; takes long).
	CGO_ENABLED=1 $(GO) test -race -timeout 60m ./...

.PHONY: cover
cover: ## Run the tests and tell what share of the code they reach.
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	@$(GO) tool cover -func=cover.out | tail -n 1

.PHONY: bench
bench: ## Measure a network of four processes; prints a table.
	$(GO) run ./hack/bench

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin cover.out
