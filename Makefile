# One command each for trying, changing and measuring Tablao. Needs Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Runs a command unless its sources are as they were: not Make's times, but their content decides.
STEP := $(PYTHON) deploy/step.py
# Universal: one file for every platform and Python; names, versions and hashes, no addresses.
COMPILE := $(BIN)/uv pip compile --quiet --universal --no-python-downloads --generate-hashes \
  --no-header --no-annotate $(COMPILE_ARGS)

.PHONY: help install venv dashboard addon wheel site demo quick test lint format chaos bench test-cluster test-windows requirements clean

help:
	@echo "make demo           render a small animation on a farm of one machine (ARGS=--once: then exit)"
	@echo "make quick          the tests that need no build and no server (ARGS: pytest's)"
	@echo "make test           install what the tests need, then run all of them (ARGS: pytest's)"
	@echo "make lint           lint, formatting, types and import contracts only"
	@echo "make format         correct what ruff and ESLint can correct"
	@echo "make chaos          farms that are struck by chance, and an auditor (ARGS='--seeds 50', …)"
	@echo "make bench          measure the time between two tasks (ARGS: the benchmark's)"
	@echo "make test-cluster   a farm on a real Temporal cluster that is struck (ARGS: the lane's)"
	@echo "make test-windows   a render machine with Windows, as Wine shows it (ARGS: pytest's)"
	@echo "make install        the environment in $(VENV), with what running and building need"
	@echo "make venv           the same with what the tests need, too; all of it is pinned"
	@echo "make dashboard      build the dashboard's files, which the manager serves"
	@echo "make addon          build the zip of the Blender add-on, which the manager gives away"
	@echo "make wheel          build the wheel and the sdist, in dist"
	@echo "make site           the documentation as a site, in dist/site"
	@echo "make requirements   pin the dependencies anew (COMPILE_ARGS=--upgrade: the newest)"
	@echo "make clean          remove the environments, caches and the demo's files"

# What running and building need; `venv` adds what the tests need, to the same environment.
install:
	@$(PYTHON) deploy/install.py

venv:
	@$(PYTHON) deploy/install.py --dev

# Node comes as a Python package, so that no machine has to have one.
dashboard: install
	@$(STEP) --title "Building the dashboard" --sources dashboard docs/settings.md --made manager_api/dashboard_files/index.html \
	  --stamp manager_api/dashboard_files/.built -- $(BIN)/python dashboard/build.py

addon: install
	@$(STEP) --title "Building the Blender add-on" --sources addon LICENSE pyproject.toml \
	  --made 'manager_api/addon_files/*.zip' --stamp manager_api/addon_files/.built -- $(BIN)/python addon/build.py

wheel: install dashboard addon
	@$(BIN)/python deploy/package.py

# A warning, as of a link that leads nowhere, is an error.
site: venv
	$(BIN)/sphinx-build -q --fail-on-warning --keep-going -c docs/site -b html . dist/site
	@echo "The documentation is in dist/site/index.html."

demo: install dashboard addon
	@$(BIN)/tablao demo $(ARGS)

# The lanes are in tests/lanes.py. How many processes `-n auto` is: tests/conftest.py.
quick: venv
	$(BIN)/python -m pytest -n auto --quick $(ARGS)

test: venv dashboard addon
	@bash .ci/system-packages
	$(BIN)/python -m pytest -n auto $(ARGS)

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

# What it needs, and how to read it: CONTRIBUTING.md.
chaos: venv
	$(BIN)/python -m tests.chaos $(ARGS)

bench: venv
	$(BIN)/python tests/bench/dispatch $(ARGS)

# What it needs, and what it measured: docs/temporal-cluster.md.
test-cluster: venv
	@bash .ci/system-packages
	$(BIN)/python -m tests.cluster $(ARGS)

# What it needs, and what it cannot show: docs/windows.md.
test-windows: venv
	$(BIN)/python -m tests.windows $(ARGS)

requirements: venv
	$(COMPILE) --python-version 3.11 --output-file requirements.txt pyproject.toml
	$(COMPILE) --python-version 3.11 --output-file requirements-dev.txt --extra dev pyproject.toml
	$(COMPILE) --python-version 3.11 --constraint requirements-dev.txt --output-file requirements-build.txt --group build
	$(COMPILE) --python-version 3.11 --output-file deploy/requirements-bpy-py311.txt deploy/requirements-bpy-py311.in
	$(COMPILE) --python-version 3.13 --output-file deploy/requirements-bpy-py313.txt deploy/requirements-bpy-py313.in

clean:
	rm -rf dist $(VENV) .venv-bpy .venv-bpy313 demo dashboard/node_modules manager_api/dashboard_files manager_api/addon_files addon/wheels .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
