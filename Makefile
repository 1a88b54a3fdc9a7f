# obskit's own commands. `make help` lists them; CI runs the same ones.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format coverage bench pins clean

# Which Python makes .venv; empty: the newest of python3.13, python3.12, python3.11, python3.
PYTHON ?=
export PYTHON
# Who keeps no bytecode compiles obskit anew for each of the hundreds of commands that the tests start.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# The environment is good for as long as what it was made from stays the same.
KEY := $(shell { cat pyproject.toml constraints.txt; echo '$(CURDIR) $(PYTHON)'; } | cksum | cut -d' ' -f1)
DEV := .venv/.ready-dev-$(KEY)
BASE := .venv/.ready-base-$(KEY)
# Whoever has the larger environment needs no smaller one.
RUN := $(if $(wildcard $(DEV)),$(DEV),$(BASE))

# COMMAND=PACKAGE: Debian packages that tests drive for real.
SYSTEM := prometheus=prometheus promtool=prometheus prometheus-alertmanager=prometheus-alertmanager \
	prometheus-node-exporter=prometheus-node-exporter \
	chromium=chromium chromedriver=chromium-driver node=nodejs npm=npm \
	pg_createcluster=postgresql

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '%-16s %s\n' "$$name" "$$what"; done

demo: $(RUN) ## rank the causes of a recorded incident and write its page
	@$(BIN)/obskit triage --demo --format text --out obskit-report.html

# In the order of the files: by itself xdist ends with the files of few tests, and those take longest. What pytest makes
# of the tests' modules is kept as bytecode: it is made beside the type checker, which has one core, and not in each process.
test: $(DEV) ## linters, types and all tests
	@tests/support/system_packages.sh $(SYSTEM)
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1 & collecting=$$!; trap 'kill $$collecting 2>/dev/null' EXIT; \
		$(MAKE) --no-print-directory check && wait
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(DEV) ## linters and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV) ## lay the code out, mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: $(DEV) ## tests with branch coverage; the pages are in htmlcov/
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered --cov-report=html

bench: $(DEV) ## the benchmarks, as ratios to a reference run beside them
	$(BIN)/python -m pytest tests/bench --override-ini=addopts= --import-mode=importlib -q -s

pins: ## write constraints.txt from the newest versions that pyproject.toml allows
	rm -rf .cache/pins
	$(or $(PYTHON),python3.11) -m venv .cache/pins
	.cache/pins/bin/python -m pip install --quiet --prefer-binary '.[dev,notebooks]'
	{ sed '/^#/!d' constraints.txt; .cache/pins/bin/python -m pip freeze --exclude obskit | sort -f; } > .cache/pins.txt
	mv .cache/pins.txt constraints.txt
	rm -rf .cache/pins

clean: ## remove the environment and everything that was built
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist htmlcov .coverage obskit-report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BASE):
	@tests/support/environment.sh '' '$@'

$(DEV):
	@tests/support/environment.sh '[dev]' '$@'
