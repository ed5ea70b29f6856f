# One place for commands, the same for people and CI. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.8
PORT ?= 7700
DEMO ?= demo

# Without bytecode on the disk every process of the tests compiles all that it imports: 2 s instead of 0.8.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint types imports bytecode unit docs lock format bench architecture clean

help: ## list these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP) ## build the demo company and serve it on http://127.0.0.1:7700
	$(BIN)/counterpoint demo $(DEMO) --port $(PORT)

test: $(STAMP) ## every check: lint, types, import contracts, docs, tests
	$(MAKE) --jobs=2 --output-sync=target types lint imports docs bytecode
	$(MAKE) unit

lint: $(STAMP) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

imports: $(STAMP) ## the import contracts of the design
	$(BIN)/lint-imports

bytecode: $(STAMP) ## compile what the tests import, beside mypy, or each worker does so
	$(BIN)/python -m pytest -qq -n 0 --collect-only >/dev/null

unit: $(STAMP) ## pytest, the browser tests among them
	$(BIN)/python -m pytest

docs: $(STAMP) ## build the documentation site into site/
	$(BIN)/zensical build --clean >/dev/null

format: $(STAMP) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## run the benchmarks and print their figures
	$(BIN)/python benchmarks/run.py

architecture: $(STAMP) ## redraw the module map in ARCHITECTURE.md from the code
	$(BIN)/python docs/architecture.py

lock: $(STAMP) ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## remove what was built; the demo workspace too
	rm -rf $(VENV) site $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis
