# Each target makes what it needs: nothing has to be installed by hand but Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := $(VENV)/.demo-ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test test-nightly lint docs bench package clean

help:
	@echo "make demo     see the gate at work on a small sample app: red, then green"
	@echo "make test     run all tests (real PostgreSQL, Next.js, Better Auth and Sentry-compatible server)"
	@echo "make test-nightly  run those that install more: Neon's own SDK, 550 MB"
	@echo "make lint     format check, lint, types"
	@echo "make docs     write docs/checks.md and the pictures in docs/ again"
	@echo "make bench    print how fast it is, as ratios"
	@echo "make package  build the package and check it"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "infracheck needs Python 3.11 or later: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.1'

$(DEMO): pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(READY): pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[demo]' --group test --group lint
	@touch $@ $(DEMO)

demo: $(DEMO)
	$(BIN)/infracheck demo

test: $(READY)
	$(BIN)/python -m pytest -m "not nightly"

test-nightly: $(READY)
	$(BIN)/python -m pytest -m nightly

lint: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/build.py

bench: $(READY)
	$(INSTALL) --group bench
	$(BIN)/python bench/env.py
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/schema.py
	$(BIN)/python bench/boot.py
	$(BIN)/python bench/gate.py

package: $(READY)
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) dist build *.egg-info tests/.cache tests/apps/*/node_modules
