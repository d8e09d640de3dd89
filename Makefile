# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CORES := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# One more than there are cores: tests of the queue and its workers wait a third of their time.
TESTERS := $(shell expr $(CORES) + 1)
APT_GET := DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=20

.PHONY: setup run browser check test stack chaos models

setup: $(STAMP)  ## create .venv and install the pinned packages

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || echo 'Creating $(VENV) with $(PYTHON) …'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing the pinned packages into $(VENV): some 150 of them, 1 to 5 minutes …'
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-compile -c constraints.txt -e '.[dev]'
	@echo 'Compiling them, on all cores …'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

run: setup  ## everything on this machine: http://127.0.0.1:8501
	$(BIN)/python -m app

check: setup  ## the quick part: format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

browser: setup  ## what the browser tests drive: Debian's Chromium where we may install it
	@command -v chromium >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && $(APT_GET) update -qq \
	       && $(APT_GET) install -y -qq --no-install-recommends chromium; } \
	  || $(BIN)/playwright install $$(test "$$(id -u)" != 0 || echo --with-deps) chromium

# `make test ONLY=dpo`, ONLY=dpo/test_loss or several of the kind: these tests alone, without the checks.
ifdef ONLY
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest \
	  $(foreach one,$(ONLY),$(or $(wildcard tests/$(one) tests/$(one).py),$(error There is no tests/$(one) and no tests/$(one).py)))
else
test: check  ## all checks, and all tests but those of `make stack`
	@$(MAKE) --no-print-directory browser \
	  || echo 'No browser could be had: the tests that look at pages in one are skipped.'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder
endif

stack: browser  ## the pages in a browser, a team's workers on a Postgres that is killed, models that are trained
	$(BIN)/python -m pytest -m stack tests

chaos: setup  ## long storms: make chaos BLOWS=100 SEED=1
	GRICE_CHAOS_BLOWS=$(or $(BLOWS),100) GRICE_CHAOS_SEED=$(or $(SEED),1) \
		$(BIN)/python -m pytest -m '' tests/worker/test_chaos.py

models: setup  ## every type of base model in fp32 and bf16, written to docs/models.md; takes long
	$(BIN)/python -m benchmarks.models
