# VENV and PYTHON may be overridden: make VENV=.venv-other PYTHON=python3.12 test
VENV ?= .venv
PYTHON ?= python3
JOBS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# SIMLOOP_PYTHON=PATH names a Python of 3.12 or later for simloop. Without a checkout, or the compiled build, rows say what is missing.
BENCH_FUZZ = $(BIN)/python -m benchmarks.fuzz.run $(if $(SIMLOOP),--simloop $(SIMLOOP)) $(if $(SIMLOOP_PYTHON),--python $(SIMLOOP_PYTHON))

STAMP := $(VENV)/.stamp
STAMP_BENCH := $(VENV)/.stamp-bench

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo notebooks reports oracles test test-slow bench bench-checker bench-fuzz bench-sweeps bench-fast bench-large conformance fast lint format clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

venv: $(STAMP) ## make the environment

$(VENV): $(STAMP) ;

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

$(STAMP_BENCH): $(STAMP)
	$(PIP) install --quiet -c constraints.txt -e '.[dev,bench]'
	@touch $@

demo: $(STAMP) ## run the file processing scenario with a crash; the report goes to reports/demo
	$(BIN)/session-sim run scenarios/file_processing_crash.toml --seed 7 --out reports/demo

notebooks: $(STAMP) ## execute the notebooks; with what they show they go to reports/notebooks
	$(BIN)/python -m tools.notebooks

reports: $(STAMP) ## make the studies under reports/ again (an hour of one core, most of it many-sessions)
	$(BIN)/python -m tools.studies

oracles: $(STAMP) ## hold simulated queues to queueing theory again, in reports/oracles (some ten minutes of one core)
	$(BIN)/python -m tools.oracles --out reports/oracles

test: $(STAMP) ## run the fast tests
	$(BIN)/pytest -n $(JOBS)

test-slow: $(STAMP) ## run the slow tests
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m slow --durations=30

bench: $(STAMP_BENCH) ## run the benchmarks, with the packages they compare against; SIMLOOP=DIR as for bench-fuzz
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.sweeps
	$(BENCH_FUZZ)

bench-sweeps: $(STAMP) ## what the executor and the store of sweeps cost
	$(BIN)/python -m benchmarks.sweeps

bench-checker: $(STAMP) ## two-phase commit with the checker and its peers, which are made in build/peers where they can be
	$(BIN)/python -m benchmarks.checker.run

bench-fuzz: fast ## campaigns, plain and compiled, beside simloop's; SIMLOOP=DIR names a checkout of its repository
	$(BENCH_FUZZ)

fast: $(STAMP) ## build the hot modules with mypyc into build/compiled, unless that is done (optional; needs a C compiler)
	$(BIN)/python -m tools.compile

bench-fast: fast $(STAMP_BENCH) ## run the benchmarks with the compiled build
	PYTHONPATH=build/compiled:. $(BIN)/python -P -m benchmarks.run

bench-large: $(STAMP) ## run the large benchmark
	$(BIN)/python -m benchmarks.large

conformance: $(STAMP) ## record the cases of conformance/cases on a real server and judge them; needs Go
	$(BIN)/python -m conformance

lint: $(STAMP) ## check style, format, types and import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict sim
	$(BIN)/lint-imports

format: $(STAMP) ## format the code and apply the safe fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the environment, the caches and what was made under reports
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist reports/demo reports/notebooks
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
