# make demo   shows the whole journey      make test   is the gate: lint, types, import contracts, tests
# Both do all set-up from a fresh clone, in .venv; they need Python 3.11 or later, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

ROUNDS ?= 100
SEED ?= 1

.PHONY: demo test lint types imports soak bench hostile audit format clean

demo: $(VENV)/demo-installed
	@$(BIN)/planit-mailer demo

test: lint types imports
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev-installed
	$(BIN)/mypy

imports: $(VENV)/dev-installed
	$(BIN)/lint-imports

# Kills the daemon twice in each of ROUNDS rounds, at a step and at a random instant, on broken lines, on Dovecot with
# SQLite and with PostgreSQL, and balances the books; about ten seconds a round.
soak: $(VENV)/dev-installed
	$(BIN)/python -m tests.soak --rounds $(ROUNDS) --seed $(SEED)

bench: $(VENV)/bench-installed
	$(BIN)/python -m tests.benchmarks

# What hostile files and mails cost, one after the other: half an hour. Words choose: make hostile WORDS="ods".
hostile: $(VENV)/dev-installed
	$(BIN)/python -m tests.hostile $(WORDS)

# Needs the network, to learn which versions have known weaknesses; what could not be looked up is a failure too.
audit: $(VENV)/audit-installed
	$(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

format: $(VENV)/dev-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "planit_mailer needs Python 3.11 or later; name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/%-installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing planit_mailer into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	@touch $@
