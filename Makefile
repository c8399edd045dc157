# `make nightly` and `make test` are all one needs: both set up the environment first.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: install nightly up repro test lint format generate clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Nocturne needs Python 3.11 or later; $(PYTHON) is older. Name another: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), once: some minutes"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pipelines settings
	@touch $@

nightly: install  ## a night for the default project: this repository
	@$(BIN)/nocturne nightly

up: install  ## Prefect, MLflow and the schedule, together
	@$(BIN)/nocturne up

repro: install  ## what a night builds, by DVC alone
	@$(BIN)/python -m pipelines settings
	@PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

test: lint  ## everything that CI runs
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: install  ## the comments of params.yaml, docs/settings.md and docs/cli.md
	$(BIN)/python -m tools.docs

clean:  ## forget everything that was learned; keeps the environment
	rm -rf data/live mlruns/mlflow.db mlruns/artifacts .prefect dvc.lock
	find data -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} +
