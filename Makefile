# The commands of the project. Everything they make is below bin/ and .cache/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The version is the one that git knows; a copy without its history has none.
VCS := $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 && echo true || echo false)
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
FUZZTIME ?= 3s

# One set of flags for everything, so that what one command compiled serves the next.
export CGO_ENABLED := 0
export GOFLAGS := $(GOFLAGS) -trimpath -buildvcs=false

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## the program, static, as bin/satchel
	go build -buildvcs=$(VCS) -ldflags '-s -w' -o bin/satchel ./cmd/satchel

.PHONY: run
run: build ## starts it, puts a sample document through it and shows what came back
	scripts/run-demo.sh

.PHONY: cluster
cluster: build ## PostgreSQL, an S3 server, nginx, two servers and two workers, until Ctrl-C
	@scripts/setup cluster
	@go build -o bin/cluster ./tests/cluster/run && exec bin/cluster

.PHONY: cluster-test
cluster-test: setup build ## a whole cluster: the HTTP contract, the OpenAI SDKs, and what happens when parts of it break
	SATCHEL_TEST_CLUSTER=1 go test -count=1 -timeout 30m ./tests/contract
	go build -o bin/cluster ./tests/cluster/run
	SATCHEL_MAX_FILE_BYTES=8MiB bin/cluster .cache/python/bin/python tests/sdk/run --running
	go test -count=1 -v ./tests/cluster

.PHONY: torture
torture: ## breaks the parts of a cluster while it is used, for SATCHEL_TORTURE=10m
	@scripts/setup cluster
	SATCHEL_TORTURE=$${SATCHEL_TORTURE:-10m} go test -count=1 -v -timeout 0 -run TestFaults ./tests/cluster

.PHONY: test
test: clean-results setup format lint vulncheck openapi-check test-go test-manifests test-sdk test-oidc test-openapi cross fuzz ## everything that CI runs; installs what it needs
	@scripts/results

# Where only one goroutine works, as internal/archtest makes sure, the race detector finds nothing and makes tests up to a hundred times slower.
serial := internal/extract/charset internal/extract/image internal/extract/mail internal/extract/markup internal/extract/office \
	internal/extract/pdf internal/extract/text internal/instruct internal/metaschema
# The same goes for tests that only look at what programs and children answer. What takes longest comes first, so that no processor waits in the end.
driven := tests/readme tests/proxy tests/deploy tests/processing bench tests/backup tests/durability tests/cluster tests/bucket tests/upgrade tests/documents \
	bench/documents bench/fidelity tests/localmodel
unraced := $(addprefix ./,$(driven) $(serial))
longest := ./tests/contract ./internal/meta/sqlstore ./cmd/satchel
# SQLite is C translated to Go, with memory of its own, in which the detector finds nothing and takes four times as long; what calls it is watched. It is
# this package alone: one with generic functions would lend them, unwatched, to all others.
race := -race -gcflags='modernc.org/sqlite/lib=-race=false'
gotestsum := .cache/bin/gotestsum --format pkgname

.PHONY: test-go
test-go: setup build ## the Go tests, under the race detector where anything runs at once, with coverage by package
	@mkdir -p .cache/results
	@status=0; \
		$(gotestsum) --jsonfile .cache/results/go-unraced.json -- -cover -timeout 15m $(unraced) || status=1; \
		others=$$(go list ./... | grep -vxF "$$(go list $(unraced) $(longest))"); \
		CGO_ENABLED=1 $(gotestsum) --jsonfile .cache/results/go.json -- $(race) -cover -covermode atomic -timeout 15m $(longest) $$others || status=1; \
		exit $$status

.PHONY: test-manifests
test-manifests: setup build ## the manifests of deploy, read as Kubernetes and Compose read them
	@mkdir -p .cache/results
	cd tests/manifests && $(CURDIR)/.cache/bin/gotestsum --format pkgname --jsonfile $(CURDIR)/.cache/results/go-manifests.json -- -timeout 5m ./...

.PHONY: test-sdk
test-sdk: setup build ## the official OpenAI SDKs against the program
	.cache/python/bin/python tests/sdk/run

.PHONY: test-oidc
test-oidc: setup build ## a real OpenID provider, whose tokens sign in at the program
	@mkdir -p .cache/results
	cd tests/oidc && PYTHONDONTWRITEBYTECODE=1 $(CURDIR)/.cache/python/bin/pytest -q --junitxml=$(CURDIR)/.cache/results/oidc.xml

.PHONY: test-openapi
test-openapi: setup build ## Schemathesis against the program and the OpenAPI document that it serves
	tests/openapi/run

.PHONY: format
format: ## checks that every Go file is as gofmt writes it
	@wrong=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
		if [ -n "$$wrong" ]; then echo "run gofmt -w on: $$wrong"; exit 1; fi

.PHONY: lint
lint: setup ## go vet and golangci-lint
	go vet ./...
	.cache/bin/golangci-lint run ./...

.PHONY: vulncheck
vulncheck: setup ## known vulnerabilities in what the program calls
	scripts/vulncheck

.PHONY: fuzz
fuzz: ## every fuzz target for some seconds: FUZZTIME=3s
	scripts/fuzz $(FUZZTIME)

.PHONY: cross
cross: ## compiles for every platform
	@for platform in $(PLATFORMS); do \
		echo "compile for $$platform"; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -o /dev/null ./cmd/satchel; \
	done

.PHONY: image
image: ## the container image satchel:latest, by docker, podman or buildah
	VCS=$(VCS) scripts/image

.PHONY: release
release: setup ## archives for every platform, checksums and an SBOM, in bin/release
	scripts/release

.PHONY: openapi
openapi: ## writes docs/openapi.yaml
	$(openapi) > docs/openapi.yaml

.PHONY: openapi-check
openapi-check: ## checks that docs/openapi.yaml is what the program says
	@if [ -f docs/openapi.yaml ]; then diff -u docs/openapi.yaml <($(openapi)) || { echo "run make openapi"; exit 1; }; fi

openapi := go run ./cmd/satchel openapi

.PHONY: bench
bench: ## Satchel beside its limits and its peers, into bench/RESULTS.md; takes long
	go run ./bench

.PHONY: bench-large
bench-large: ## the sections of bench/RESULTS.md on ten million files in PostgreSQL; an hour, and 50 GB on the disk
	go run ./bench -large -peers=false -only '^huge-' -update

.PHONY: setup
setup:
	@scripts/setup

.PHONY: clean-results
clean-results:
	@rm -rf .cache/results

.PHONY: clean
clean: ## removes what these commands made, the caches of the tests too
	rm -rf bin .cache tests/sdk/node/node_modules tests/oidc/node_modules
