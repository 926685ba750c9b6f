GO       ?= go
FUZZTIME ?= 20s
BIN      := bin/semaphore
UI       := internal/web/ui
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help run demo test race lint fuzz bench e2e soak verify build ui

help: ## Show this help
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

build: ## Build bin/semaphore
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/semaphore

ui: ## Build the web UI into internal/web/dist; needs Node 18 or later
	cd $(UI) && npm ci --no-audit --no-fund --silent && npm run --silent build

run: build ## Build and start a server with a demo project; everything is kept in ./data
	@SEMAPHORE_INTERFACE=127.0.0.1 exec $(BIN) server --no-config --demo --data-dir data

demo: build ## Build and run a script, a playbook and a plan from the command line
	@./scripts/demo.sh $(BIN)

test: ## Everything that must be green; installs missing tools where it may
	@./scripts/test.sh

race: ## Unit tests with the race detector
	CGO_ENABLED=1 $(GO) test -race ./...

lint: ## All linters
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(GOLANGCI) run ./...

e2e: build ## End-to-end tests with the real tools
	$(GO) test -count=1 -timeout 15m -v ./internal/crash
	$(GO) test -count=1 -timeout 15m ./cmd/... ./job/...

bench: ## Benchmarks that print figures
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

fuzz: ## Each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$pkg || exit 1; \
	  done; \
	done

# The storms of real networks need root, ip (iproute2) and nsenter (util-linux);
# elsewhere they are skipped, with a line that names what is missing.
soak: ## Long rounds, floods and timed fuzzing
	SEMAPHORE_SOAK=1 $(GO) test -count=1 -timeout 60m $$($(GO) list ./... | grep -vE '/internal/(crash|cluster)$$')
	SEMAPHORE_SOAK=1 $(GO) test -count=1 -timeout 60m -v -parallel 6 ./internal/crash ./internal/cluster
	SEMAPHORE_SOAK=1 $(GO) test -run '^$$' -bench '^BenchmarkInstance$$' -benchtime 1x -timeout 60m ./export
	$(MAKE) fuzz

verify: ## Tidy, generated files, all linters, foreign systems; fails on a difference
	$(GO) mod tidy -diff
	$(MAKE) lint
	GOOS=darwin CGO_ENABLED=0 $(GO) vet ./...
	GOOS=windows CGO_ENABLED=0 $(GO) vet ./...
	$(GO) vet -tags no_ui ./cmd/semaphore/... ./internal/web
	@if command -v npm >/dev/null; then $(MAKE) ui && git diff --exit-code --stat -- internal/web/dist; else echo "no npm: internal/web/dist is not compared"; fi
