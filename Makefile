# The study's commands. `make` alone lists them.
#
# PYTHON=...      which Python makes the virtual environment (3.11, 3.12 or 3.13; found by itself)
# LAB_OPTIONS=... more for `jupyter lab`
# SCALE=...       for `make study`: smoke, quick (default), cpu, gpu or cluster

SCALE ?= quick
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup study test lab bench lock clean
.DELETE_ON_ERROR:

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready ## Make .venv and install the pinned requirements (done once)

study: .venv/.ready ## Run every idea at scale quick and print the path of the report
	@$(BIN)/study run --scale $(SCALE)

test: .venv/.ready-test ## Lint, then run the tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# Jupyter refuses root unless told; in a container there is nobody else.
lab: .venv/.ready ## Open JupyterLab on the notebooks (LAB_OPTIONS="--no-browser --port 8890")
	@$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_OPTIONS)

bench: .venv/.ready-bench ## Measure this machine: training speed, start-up, scheduling
	@$(BIN)/study bench training
	@$(BIN)/study bench startup
	@$(BIN)/study bench scheduler

lock: .venv/.ready-test ## Write the pins anew from what is installed in .venv
	@$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	@$(BIN)/python .ci/lock.py

clean: ## Remove .venv and caches; reports are kept
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis *.egg-info
	find studylib tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say that what they depend on is installed; an interrupted set-up leaves none and is done again.
.venv/.ready: requirements.lock pyproject.toml
	@PYTHON='$(PYTHON)' .ci/make-venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.ready-%: .venv/.ready requirements-%.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-$*.lock
	@touch $@
