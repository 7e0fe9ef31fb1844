# Every command of the project. `make` alone lists them. A variable after `make` reaches the command too:
# `make run WORKERS=4 PORT=8080`.

.DEFAULT_GOAL := help
.PHONY: help setup run rush verify test check model simulate fuzz schema fmt format-check lint types unit race e2e
.PHONY: crash chaos chaos-ci bench bench-scale bench-opening bench-overload lock clean

#: The first of these that is Python 3.11 or newer, with venv and ensurepip, makes .venv.
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3
#: One set of embedded servers per pytest process; a module's tests share what they start, so they stay together.
JOBS ?= 3
# Compiled modules are kept even where the caller's environment says no: tests start some hundred interpreters.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -q -n $(JOBS) --dist loadfile
FITS := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
UV_COMPILE := .venv/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

help:
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

## Run it

setup: .venv/installed ## Make .venv from the lock file; PYTHON=... chooses the interpreter

# exec: a signal for make reaches onsale itself.
run: setup ## Start everything on this machine, Ctrl-C stops it; WORKERS=2 PORT=8000 FRESH=1
	@exec .venv/bin/onsale up

rush: setup ## Send a crowd to the running system; ARGS="--buyers 2500 --seats 1000"
	@exec .venv/bin/onsale rush $(or $(ARGS),--buyers 2500 --seats 1000)

verify: setup ## Prove from Postgres that no seat was sold twice
	@exec .venv/bin/onsale verify $(ARGS)

## Prove it

test: setup ## All tests, on real embedded servers; T=path for some, JOBS=3 for so many at once
	$(PYTEST) $(or $(T),tests)

check: format-check lint types unit ## What to run before each commit: format, lint, types, unit tests

race: setup ## The races, each with its negative control
	$(PYTEST) tests/race

model: setup ## Every state of the protocol, a small size; ARGS="--size full" in half an hour
	@exec .venv/bin/python -m proof.model $(ARGS)

simulate: setup ## The real code through random schedules; ARGS="--seed 1 --schedules 1000"
	@exec .venv/bin/python -m proof.simulator $(ARGS)

fuzz: setup ## Requests that no library would send; ARGS="--seed 1 --requests 10000"
	@exec .venv/bin/python -m proof.fuzz $(ARGS)

schema: setup ## Cases for every operation of the OpenAPI document, judged; ARGS="--seed 1 --minutes 5"
	@exec .venv/bin/python -m proof.openapi $(ARGS)

e2e: setup ## The processes, as a client and an operator see them
	$(PYTEST) tests/e2e

crash: setup ## Every crash point with every fault; ARGS="--point W4 --fault exit --seed 1"
	@exec .venv/bin/python -m proof.crash $(ARGS)

bench: setup ## Onsale beside other designs, in 40 minutes; QUICK=1 in 5, ARGS="--rounds 3 --only hot,shows"
	@exec .venv/bin/python -m proof.bench $(if $(QUICK),--quick) $(ARGS)

bench-scale: setup ## The cost of a booking as shows, queues, halls and history grow; ARGS="--only seats"
	@exec .venv/bin/python -m proof.bench.scale $(if $(QUICK),--quick) $(ARGS)

bench-opening: setup ## The first seconds of a sale in a hall of 50,000 and of 200,000 seats; ARGS="--seats 100000"
	@exec .venv/bin/python -m proof.bench.opening $(ARGS)

bench-overload: setup ## Five times what workers can decide, and what the API can carry; QUICK=1, ARGS="--minutes 5 --docs"
	@exec .venv/bin/python -m proof.bench.overload $(if $(QUICK),--quick) $(ARGS)

chaos: setup ## Kill, part and starve the whole system under load, and judge it; ARGS="--minutes 10 --seed 1"
	@exec .venv/bin/onsale chaos $(ARGS)

chaos-ci: setup ## The same in two minutes, with a seed that is drawn and printed
	@exec .venv/bin/onsale chaos --minutes 2 $(ARGS)

unit: setup ## Tests that need no server
	$(PYTEST) tests/unit

types: setup ## Strict types
	.venv/bin/mypy

lint: setup ## Lint
	.venv/bin/ruff check

format-check: setup
	.venv/bin/ruff format --check

## Change it

fmt: setup ## Format, and mend what lint can mend
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

lock: setup ## Make the lock files from pyproject.toml again; ARGS=--upgrade takes newer versions
	.venv/bin/python -m venv --clear .venv/uv
	.venv/uv/bin/python -m pip --disable-pip-version-check install --quiet uv
	$(UV_COMPILE) $(ARGS) --extra local --extra dev --extra bench -o requirements.lock
	$(UV_COMPILE) $(ARGS) -c requirements.lock -o requirements.runtime.lock
	rm -rf .venv/uv

clean: ## Remove what make and the tools made; the data in .onsale stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Nothing is left to do until a lock file or pyproject.toml changes, or .venv is removed.
.venv/installed: requirements.lock pyproject.toml
	@for python in $(PYTHON); do "$$python" -c '$(FITS)' 2>/dev/null && break; python=; done; \
	if [ -z "$$python" ]; then \
		echo "Onsale needs Python 3.11 or newer, with its modules venv and ensurepip. Looked at:"; \
		for each in $(PYTHON); do echo "  $$each: $$("$$each" --version 2>&1 | tail -n 1)"; done; \
		echo "Debian and Ubuntu: apt install python3-venv. Or name another: make setup PYTHON=/path/to/python3"; \
		exit 1; \
	fi >&2; \
	.venv/bin/python -c '$(FITS)' 2>/dev/null || "$$python" -m venv --clear .venv
	@echo "Installing into .venv: about a minute the first time."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
