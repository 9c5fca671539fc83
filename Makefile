# Everything that is done with this repository. `make` prints the list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# DuckDB exchanges columns with Go through Arrow only under this tag.
export GOFLAGS := -tags=duckdb_arrow
ROUNDS ?= 200
SEED ?= 1

.PHONY: help
help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

.PHONY: demo-servers
demo-servers: ## install what the demo runs against: PostgreSQL and sshd (Debian)
	@scripts/servers.sh demo

.PHONY: story-servers
story-servers: ## install what demo-check runs against: MariaDB and MySQL, too
	@scripts/servers.sh
	@scripts/mysql.sh

.PHONY: test-servers
test-servers: story-servers ## install everything that tests run against
	@scripts/mongo.sh

.PHONY: build
build: ## build bin/regrant
	@mkdir -p bin
	go build -trimpath -o bin/regrant ./cmd/regrant

bin/regrant-demo: build
	go build -trimpath -o bin/regrant-demo ./cmd/regrant-demo

.PHONY: run
run: build ## run the server on ./regrant-data
	bin/regrant serve --data regrant-data

.PHONY: demo
demo: demo-servers build bin/regrant-demo ## show the main job on a real shop; prints an address
	bin/regrant-demo run

.PHONY: demo-check
demo-check: story-servers build bin/regrant-demo ## play every story unattended: break, cause, re-authorize, resume, compare
	bin/regrant-demo check

.PHONY: soak
soak: demo-servers build bin/regrant-demo ## kill the server at ROUNDS random moments; rows must stay equal
	bin/regrant-demo soak -rounds $(ROUNDS) -seed $(SEED)

.PHONY: bench
bench: demo-servers build bin/regrant-demo ## measure against the floor in the same run; prints ratios
	bin/regrant-demo bench

.PHONY: test
test: test-servers node-modules ## run everything, with the race detector, against real servers and a real browser
	REGRANT_REQUIRE_SERVERS=1 go test -race -count=1 -timeout 30m ./...

.PHONY: test-short
test-short: ## run what needs nothing but Go
	go test -short ./...

.PHONY: race
race: ## run what needs nothing but Go, with the race detector
	go test -short -race ./...

.PHONY: fuzz
fuzz: ## fuzz each parser of outside bytes for a short while
	@scripts/fuzz.sh

.PHONY: lint
lint: ## go vet, gofmt and, where it is installed, golangci-lint
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

.PHONY: node-modules
node-modules: internal/web/webtest/node_modules/.package-lock.json

internal/web/webtest/node_modules/.package-lock.json: internal/web/webtest/package-lock.json
	cd internal/web/webtest && npm ci --no-audit --no-fund --silent
	@touch $@
