# One command each for whoever tries, changes or measures Tablao. Needs Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Universal: one file for every platform and Python; names, versions and hashes, no addresses.
COMPILE := $(BIN)/uv pip compile --quiet --universal --no-python-downloads --generate-hashes \
  --no-header --no-annotate $(COMPILE_ARGS)

DASHBOARD := manager_api/dashboard_files/index.html
ADDON := manager_api/addon_files/.built

.PHONY: help venv dashboard addon demo test lint format bench requirements clean

help:
	@echo "make demo           render a small animation on a farm of one machine (ARGS=--once: then exit)"
	@echo "make test           install what the tests need, then run all of them (ARGS: pytest's)"
	@echo "make lint           lint, formatting, types and import contracts only"
	@echo "make format         correct what ruff and ESLint can correct"
	@echo "make bench          measure the time between two tasks (ARGS: the benchmark's)"
	@echo "make venv           the environment in $(VENV), from the pinned requirements"
	@echo "make dashboard      build the dashboard's files, which the manager serves"
	@echo "make addon          build the zip of the Blender add-on, which the manager gives away"
	@echo "make requirements   pin the dependencies anew (COMPILE_ARGS=--upgrade: the newest)"
	@echo "make clean          remove the environments, caches and the demo's files"

venv: $(INSTALLED)

# Hashes say what may be installed, so nothing may be looked up beside them: no build isolation.
$(INSTALLED): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Tablao needs Python 3.11 or later, and $(PYTHON) is older: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

dashboard: $(DASHBOARD)

# Node comes as a Python package, so that no machine has to have one.
$(DASHBOARD): $(INSTALLED) $(shell find dashboard \( -name node_modules -o -name tests \) -prune -o -type f -print)
	$(BIN)/python dashboard/build.py
	@touch $@

addon: $(ADDON)

# The zip's name has the version, so a file beside it says when it was built.
$(ADDON): $(INSTALLED) LICENSE pyproject.toml $(shell find addon -name '*.py' -o -name '*.toml' -o -name 'wheels.txt')
	$(BIN)/python addon/build.py
	@touch $@

demo: venv dashboard addon
	$(BIN)/tablao demo $(ARGS)

test: venv dashboard addon
	@bash .ci/system-packages
	$(BIN)/python -m pytest $(ARGS)

# The same tools run as tests (tests/docs/test_code_quality.py), so `make test` includes them.
lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python dashboard/build.py lint check:types check:unused

format: venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python dashboard/build.py format

bench: venv
	$(BIN)/python tests/bench/dispatch $(ARGS)

requirements: venv
	$(COMPILE) --python-version 3.11 --output-file requirements.txt pyproject.toml
	$(COMPILE) --python-version 3.11 --output-file requirements-dev.txt --extra dev pyproject.toml
	$(COMPILE) --python-version 3.11 --output-file deploy/requirements-bpy-py311.txt deploy/requirements-bpy-py311.in
	$(COMPILE) --python-version 3.13 --output-file deploy/requirements-bpy-py313.txt deploy/requirements-bpy-py313.in

clean:
	rm -rf $(VENV) .venv-bpy .venv-bpy313 demo dashboard/node_modules manager_api/dashboard_files manager_api/addon_files addon/wheels .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
