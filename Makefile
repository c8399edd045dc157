# `make nightly` and `make test` are all one needs: both set up the environment first.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: install lock nightly up repro test lint docs format generate clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Nocturne needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another. Name one: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), once: some minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pipelines settings
	@touch $@

# Without torch: PyTorch builds one version for CPU, CUDA and more, so that no list of hashes holds for every machine.
lock:  ## requirements.lock from constraints.txt: the same versions, with the hashes of their files
	rm -f requirements.lock
	$(BIN)/uv pip compile constraints.txt --no-deps --universal --python-version 3.11 --generate-hashes \
	  --no-emit-package torch --no-annotate --no-header --quiet --output-file requirements.lock

nightly: install  ## a night for the default project: this repository
	@$(BIN)/nocturne nightly

up: install  ## Prefect, MLflow and the schedule, together
	@$(BIN)/nocturne up

repro: install  ## what a night builds, by DVC alone
	@$(BIN)/python -m pipelines settings
	@PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

test: lint  ## everything that CI runs
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: install docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install  ## the site in build/docs; a dead link, a missing picture or a page outside the navigation fails
	@rm -rf build/docs
	$(BIN)/python -m sphinx -W --keep-going --nitpicky --fresh-env --quiet -b html docs build/docs

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: install  ## the comments of params.yaml, docs/settings.md and docs/cli.md
	$(BIN)/python -m tools.docs

clean:  ## forget everything that was learned; keeps the environment
	rm -rf data/live mlruns/mlflow.db mlruns/artifacts .prefect dvc.lock
	find data -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} +
