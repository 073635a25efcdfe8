# What you need: git, make and Python 3.11 or newer (PYTHON=/path/to/python chooses one). `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
# All workspace packages, those to come too.
SOURCES := $(sort $(wildcard brainsmith_*/src plugins/brainsmith_*/src))
# How many tests run at a time.
JOBS ?= logical
# Arguments for pytest, for example: make test ARGS="-n0 -k blueprint"
ARGS ?=

.PHONY: help setup finn demo test readme quick lint format types lock check clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## make .venv ready: Python packages of the workspace and their tools (no work if nothing changed)
	@tools/setup.sh

finn: setup  ## make a FINN environment ready (no work if there is one)
	@$(BIN)/brainsmith finn install

demo: finn  ## explore a real model with real FINN builds
	@$(BIN)/brainsmith explore examples/digits/blueprint.yaml --output demo_output

test: finn  ## all tests, real FINN builds included, with coverage of lines and branches
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses=8 $(SOURCES:%=--cov=%) --cov-branch --cov-report=term --cov-fail-under=90 $(ARGS)

readme: finn  ## run the commands of README.md as written
	$(BIN)/python -m pytest -m readme $(ARGS)

quick: setup  ## the tests that take little and need no FINN
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses=8 -m "not finn and not slow and not readme" $(ARGS)

lint: setup  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup  ## ruff: mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup  ## mypy --strict
	$(BIN)/mypy .

lock: setup  ## write uv.lock and requirements.lock anew from all pyproject.toml (network)
	@tools/lock.sh $(BIN)/uv

check: lint types test  ## what has to be right before a commit

clean:  ## remove what make made, but neither .venv nor the FINN environment
	rm -rf demo_output .coverage .coverage.* htmlcov coverage.xml .pytest_cache .mypy_cache .ruff_cache .hypothesis
