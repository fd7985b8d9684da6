# The targets users rely on: run, test, lint, ui, bench, docs. Each sets itself up; only Python >= 3.11 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 4200
# What Python has compiled is kept, whatever the shell says: without it each process compiles Prefect and dbt anew, seconds long
export PYTHONDONTWRITEBYTECODE :=
# An environment whose Python is gone, as after an upgrade or in a copy from another machine, is made anew. In one that is
# marked as relocatable uv writes programs that find their Python beside themselves: it can be moved with its folder.
MARK := relocatable = true
IS_MARKED := $(shell grep -qx '$(MARK)' $(VENV)/pyvenv.cfg 2>/dev/null && echo yes)
$(shell test -n "$(IS_MARKED)" && $(BIN)/python -c pass 2>/dev/null || rm -f $(VENV)/.installed)

.DEFAULT_GOAL := help
.PHONY: help run test test-redshift mutants lint metrics notebook ui bench docs words sources lock datasets

help:
	@echo "make run       set up and run the whole pipeline on data/datasets; prints where the report lies"
	@echo "make test      set up and run the tests"
	@echo "make test-redshift  the Redshift tests on a real workgroup that RETAIL_REDSHIFT_... names (STANDIN=1: on the stand-in)"
	@echo "make mutants   break the dbt project in one place at a time and see what its tests notice (half an hour and more; SAMPLE=50)"
	@echo "make lint      ruff, mypy, the import rules and the rules of the dbt project"
	@echo "make metrics   the retailer's questions, answered by MetricFlow from the warehouse that make run made"
	@echo "make notebook  the analysis notebook in JupyterLab, on the warehouse that make run made"
	@echo "make ui        Prefect server, deployments and a worker on this machine (PORT=4200)"
	@echo "make bench     measure conversion, loading, growth and the whole job, and write docs/benchmarks.md"
	@echo "make docs      dbt documentation as one HTML file in data/work/docs, the drawings in data/images, the picture of the report"
	@echo "make words     the texts of the report into its French catalogue, reports/locale; says what has no translation yet"
	@echo "make sources   write the raw tables of the dbt sources and docs/your-own-data.md from the contracts again"
	@echo "make lock      resolve pyproject.toml into requirements.lock again, and without dev tools into requirements.runtime.lock"
	@echo "make datasets  rebuild data/datasets, byte for byte"

# One environment for everything, installed from hashes. uv itself is one of the locked packages.
$(VENV)/.installed: requirements.lock infra/dbt_plugins.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else \
	    f"Python 3.11, 3.12 or 3.13 is needed, {v[0]}.{v[1]} was found. Name another: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(BIN)/python -c pass 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@grep -qx '$(MARK)' $(VENV)/pyvenv.cfg || echo '$(MARK)' >> $(VENV)/pyvenv.cfg
	@awk '/^uv==/ {p = 1} p {print} p && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.txt
	@echo "Installing the locked requirements into $(VENV) (about 1.3 GB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock $(if $(IS_MARKED),,--reinstall)
	@$(BIN)/python infra/dbt_plugins.py
	@touch $@

run: $(VENV)/.installed
	@$(BIN)/python -m flows.pipeline

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n logical

test-redshift: $(VENV)/.installed
	@$(BIN)/python -m tests.warehouse.real_redshift $(if $(STANDIN),--standin)

mutants: $(VENV)/.installed
	@$(BIN)/python -m tests.mutants $(if $(SAMPLE),--sample $(SAMPLE))

lint: $(VENV)/.installed
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -c "from importlinter.cli import lint_imports_command as check; check()"
	$(BIN)/python infra/lint_dbt.py

metrics: $(VENV)/.installed
	@$(BIN)/python infra/metrics.py

notebook: $(VENV)/.installed
	@$(BIN)/python infra/notebook.py

ui: $(VENV)/.installed
	@$(BIN)/python infra/ui.py --port $(PORT)

bench: $(VENV)/.installed
	$(BIN)/python -m tests.benchmarks --write docs/benchmarks.md

docs: $(VENV)/.installed
	@$(BIN)/python infra/docs.py

words: $(VENV)/.installed
	@$(BIN)/python infra/words.py

sources: $(VENV)/.installed
	@$(BIN)/python -m infra.dbt_sources
	@$(BIN)/python -m infra.own_data_docs

lock: $(VENV)/.installed
	$(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group dev --extra dask pyproject.toml -o requirements.lock
	$(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate -c requirements.lock pyproject.toml -o requirements.runtime.lock

datasets: $(VENV)/.installed
	$(BIN)/python -m uv run --script data/make_datasets.py
