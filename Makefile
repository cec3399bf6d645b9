# Everything installs itself: Python packages into .venv, the local world's chain node into devnet/node_modules.
# What is installed is remembered by the content of the files that ask for it, so a second run needs no network.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=
BIN := .venv/bin
PYTHON_STAMP := .venv/.installed-$(shell cat pyproject.toml requirements.lock | cksum | cut -d' ' -f1)
NODE_STAMP := devnet/node_modules/.installed-$(shell cksum < devnet/package.json | cut -d' ' -f1)

.PHONY: help install demo test lint bench docs lock clean

help: ## Say what can be asked for
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

install: $(PYTHON_STAMP) $(NODE_STAMP) ## Install what is missing into .venv and devnet/node_modules

$(PYTHON_STAMP):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv .venv || { echo "this Python cannot make virtual environments: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@rm -f .venv/.installed-* && touch $@

$(NODE_STAMP):
	@command -v npm > /dev/null || { echo "the local world needs Node 20 or newer with npm: https://nodejs.org"; exit 1; }
	cd devnet && npm_config_update_notifier=false npm install --no-audit --no-fund --loglevel=error
	@rm -f devnet/node_modules/.installed-* && touch $@

demo: install ## Start a whole local world and trade in it; options: make demo ARGS=--help
	$(BIN)/hedger demo $(ARGS)

lint: $(PYTHON_STAMP) ## Style, formatting, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install lint ## Lint, then every test; a part of them: make test ARGS=tests/domain
	$(BIN)/python -m pytest $(ARGS)

bench: install ## Measure against the bare libraries doing the same work
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(PYTHON_STAMP) ## Write docs/configuration.md again from the settings
	$(BIN)/python -m scripts.configuration_reference

lock: $(PYTHON_STAMP) ## Resolve requirements.lock again from pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --all-extras --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

clean: ## Remove what was installed and cached, never .hedger: it may hold a log
	rm -rf .venv devnet/node_modules dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find hedger streams devnet benchmarks tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
