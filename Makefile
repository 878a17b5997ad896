# Every target makes .venv and installs what is missing: "make demo" and "make test" need nothing before them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint format bench fuzz faults statemachine servers pages pictures docs sbom lock clean

demo: $(READY)
	$(BIN)/triage demo

test: $(READY) servers lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) servers
	$(BIN)/python -m benchmarks

# The whole fault matrix with so many seeds from SEED on; docs/reliability.md says what it does and found.
SEEDS ?= 2
faults: $(READY) servers
	FAULTS=$(SEEDS) CRASH_ALL=1 $(BIN)/python -m pytest -q tests/faults tests/crash

# An hour of inputs made by coverage; docs/fuzzing.md says what counts as a finding and what follows.
FUZZ_SECONDS ?= 3600
fuzz: $(READY)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet \
	    "$$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["fuzz"])')"
	@mkdir -p var/fuzz/corpus var/fuzz/findings
	nice -n 19 $(BIN)/python -m tests.fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=30 -rss_limit_mb=3000 \
	    -print_final_stats=1 -dict=tests/fuzz/mail.dict -artifact_prefix=var/fuzz/findings/ \
	    var/fuzz/corpus tests/fuzz/corpus $(filter-out tests/corpus/cases/ %__pycache__/,$(wildcard tests/corpus/*/))

# The state machine for as long as one likes: examples of at most so many steps; SEED makes others (docs/statemachine.md).
MACHINE_EXAMPLES ?= 200
MACHINE_STEPS ?= 50
SEED ?= 20261125
statemachine: $(READY) servers
	MACHINE_EXAMPLES=$(MACHINE_EXAMPLES) MACHINE_STEPS=$(MACHINE_STEPS) SEED=$(SEED) \
	    nice -n 10 $(BIN)/python -m pytest -q -p no:randomly tests/faults_model

# Documents that are made and not written (docs/contributing.md); tests hold the committed ones to these.
pages: $(READY)
	$(BIN)/python -m deploy.papers pages

pictures: $(READY) servers
	$(BIN)/python -m deploy.papers pictures

docs: $(READY)
	$(BIN)/mkdocs build --quiet --strict

sbom: $(READY)
	$(BIN)/python -m deploy.papers sbom var/sbom.cdx.json

# The versions in the lock stay unless UPGRADE names a package. uv is fetched into a folder of its own.
UPGRADE ?=
lock:
	@$(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet 'uv>=0.9,<1'
	var/lock/bin/uv pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-header $(if $(UPGRADE),--upgrade-package $(UPGRADE)) -o requirements.lock

servers:
	@bash deploy/test-servers

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "Python 3.11 or newer is needed: install it, or name it with 'make PYTHON=python3.12 ...'." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo "Python's venv module is missing: install the package python3-venv." >&2; exit 1; }
	@echo "Setting up $(VENV) (once; some minutes)."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock || \
	    { echo "The packages of requirements.lock could not be installed: is there a network, and space?" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis var
