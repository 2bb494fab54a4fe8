# The commands of every day, for the Python that is active. `.ci/run` runs the tests as CI does.
PYTHON ?= python

.PHONY: install test lint types check bench demo clean

install: ## this checkout, editable, with all that developing needs
	$(PYTHON) -m pip install -e '.[postgres,parquet,test,dev]'

test: ## all tests, on SQLite and on a PostgreSQL server of their own
	$(PYTHON) -m pytest -n auto

lint: ## style and traps
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: ## mypy, strict
	$(PYTHON) -m mypy

check: lint types test

bench: ## speed and memory beside the bare driver, and what a start costs; some minutes
	$(PYTHON) -m benchmarks.run --sizes 10000,100000 --rerun --postgres
	$(PYTHON) -m benchmarks.startup

demo: ## weeks of updates of an example database, without a network
	validate-updates demo

clean: ## what tools leave behind
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis validate-updates-demo
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
