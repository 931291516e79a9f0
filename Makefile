# What a newcomer runs: `make serve` and `make test`. Each sets up all it needs in .venv, and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
# A CPU-only torch is a tenth of the size; the README says how to choose it.
TORCH_INDEX ?=
PIP := $(PY) -m pip install --disable-pip-version-check --quiet --progress-bar on $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: help serve test check bench torture cluster clean setup
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(PY):
	@[ -n "$(PYTHON)" ] || { echo "Handrail needs Python 3.11 or later: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); } \
	  || { rm -rf $(VENV); echo "Python's venv module is missing: install it with: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml | $(PY)
	@echo "Installing what Handrail needs into $(VENV) (some minutes, the first time) …"
	@$(PIP) 'torch==2.13.0'
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.browser: $(VENV)/.installed-test
	@$(PY) tests/browser/install.py
	@touch $@

setup: $(VENV)/.installed ## set up .venv for running

serve: $(VENV)/.installed ## set up, then run the product at http://localhost:8000 (PORT=…, HOST=…)
	@$(VENV)/bin/handrail serve --host $(HOST) --port $(PORT)

test: $(VENV)/.installed-test $(VENV)/.browser ## set up, then run every test
	@$(PY) -m pytest $(ARGS) || { status=$$?; [ $$status = 1 ] || exit $$status; \
	  echo "Failed above; each of these is run once more, alone, since a busy machine is no fault of the code:"; \
	  $(PY) -m pytest --last-failed --last-failed-no-failures none $(ARGS); }

check: $(VENV)/.installed ## prove rules, articles, lines, settings
	@$(VENV)/bin/handrail check

bench: $(VENV)/.installed-test ## print the figures of the README and docs
	@$(PY) tests/bench/all.py

torture: $(VENV)/.installed-test ## the long form of the nothing-lost suite
	@HANDRAIL_TORTURE=full $(PY) -m pytest tests/torture $(ARGS)

cluster: $(VENV)/.installed ## two replicas, PostgreSQL and nginx on this machine, without containers
	@$(PY) tests/cluster.py

clean: ## take away .venv and caches; your data folder stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
