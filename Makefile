# `make demo` trains, evaluates and samples; `make test` checks everything.  Both set up .venv first.
# PYTHON=python3.12 chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin
# Named after the interpreter, so that choosing another one sets up anew.
INSTALLED := .venv/installed-with-$(subst /,_,$(PYTHON))

.PHONY: demo test lint clean

demo: $(INSTALLED)
	$(BIN)/wavenet-jax train --run-dir runs/demo --overwrite
	$(BIN)/wavenet-jax evaluate runs/demo
	$(BIN)/wavenet-jax sample runs/demo

test: lint
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Setting up .venv with $(PYTHON), once: half a minute to a few."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@
