# Every target sets up what it needs; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Node 24 comes with the dependencies, so that the machine's own Node.js matters to npm only.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json
SOURCES := $(shell find src -name '*.ts' 2>/dev/null)
JEST := node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The machine's npm may run on an older Node.js, about which it would warn for many packages.
$(INSTALLED): package-lock.json
	@command -v npm >/dev/null || { echo "make: npm is needed for the first installation (Debian: apt-get install npm)" >&2; exit 1; }
	npm ci --loglevel=error --ignore-scripts=false --no-audit --no-fund
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' \
	  || { echo "make: the Node.js of node_modules was not installed; see the output of npm above" >&2; exit 1; }
	@touch $@

dist/main.js: $(INSTALLED) scripts/build.mjs $(wildcard scripts/starlark/*) package.json $(SOURCES)
	node scripts/build.mjs

.PHONY: run
run: dist/main.js ## A fleet of six clusters on local git repositories, from manifests to published packages
	node scripts/run-sample.mjs fleet

.PHONY: test
test: dist/main.js ## All tests: unit, integration, conformance, end-to-end on a real control plane
	scripts/setup-integration.sh
	scripts/setup-containers.sh || echo 'make: the tests with containers will fail' >&2
	node --no-warnings test/env/cluster/build.ts || echo 'make: the tests on a cluster will fail' >&2
	$(JEST)

# Made with Go where there is one; without, the build says so and goes on.
dist/starlark.wasm: $(INSTALLED) $(wildcard scripts/starlark/*)
	node scripts/starlark/build.mjs

.PHONY: test-unit
test-unit: $(INSTALLED) dist/starlark.wasm ## Unit tests: no root, no services, under a minute
	$(JEST) --selectProjects unit

.PHONY: cluster
cluster: $(INSTALLED) ## A Kubernetes control plane with our CRDs, roles and policies, until Ctrl-C
	@node --no-warnings test/env/cluster/run.ts

.PHONY: lint
lint: $(INSTALLED) ## Types, style, promise rules, import directions, generated files
	npm run --silent typecheck
	npm run --silent lint
	npm run --silent generate -- --check

.PHONY: build
build: dist/main.js ## Bundle the command into dist/

.PHONY: generate
generate: $(INSTALLED) ## Types, schemas and reference pages from crds/
	npm run --silent generate

.PHONY: bench
bench: dist/main.js ## Benchmarks in test/bench, one after the other
	@set -- $$(find test/bench -name '*.bench.ts' 2>/dev/null | sort); \
	[ $$# -gt 0 ] || { echo "make: no benchmark in test/bench" >&2; exit 1; }; \
	failed=0; for bench in "$$@"; do echo "== $$bench"; node "$$bench" || failed=1; done; node test/bench/report.ts; exit $$failed

N ?= 500

.PHONY: bench-local
bench-local: dist/main.js ## `veranda run` with a fleet of N variants (N=500), beside fleets of N/5 and 2N
	@failed=0; node test/bench/local-fleet.ts --variants $(N) || failed=1; node test/bench/report.ts; exit $$failed

REPOS ?= 1

.PHONY: bench-fleet
bench-fleet: N := $(if $(filter file,$(origin N)),100,$(N))
bench-fleet: dist/main.js ## A fleet of N variants (N=100) in REPOS repositories (REPOS=1) on a real API server
	@node --no-warnings test/env/cluster/build.ts
	@failed=0; node --no-warnings test/bench/fleet.ts --variants $(N) --repositories $(REPOS) || failed=1; \
	node test/bench/report.ts; exit $$failed

.PHONY: bench-cluster
bench-cluster: dist/main.js ## Repositories with 10, 1,000 and 5,000 revisions on a real API server
	@node --no-warnings test/env/cluster/build.ts
	@failed=0; node --no-warnings test/bench/cluster.ts || failed=1; node test/bench/report.ts; exit $$failed

.PHONY: bench-pods
bench-pods: dist/main.js ## Functions in pods of a real kubelet and containerd; needs root
	@node --no-warnings test/env/cluster/build.ts
	@failed=0; node --no-warnings test/bench/pods.ts || failed=1; node test/bench/report.ts; exit $$failed

.PHONY: clean
clean: ## Remove what was built and what `make run` made
	rm -rf dist coverage .veranda
