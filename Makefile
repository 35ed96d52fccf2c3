# `make demo` trains, evaluates and samples; `make quick` checks the style and the laws; `make test`
# checks everything; `make wheel` builds the package and tries it.  Each sets up .venv first.
# PYTHON=python3.12 chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin
# Named after the interpreter, so that choosing another one sets up again.
INSTALLED := .venv/installed-with-$(subst /,_,$(PYTHON))

.PHONY: demo quick test lint wheel clean

demo: $(INSTALLED)
	$(BIN)/wavenet-jax train --run-dir runs/demo --overwrite
	$(BIN)/wavenet-jax evaluate runs/demo
	$(BIN)/wavenet-jax sample runs/demo --seed 0
	@echo "The lecture itself: $(BIN)/wavenet-jax train --preset makemore on these names, or on its own after wavenet-jax data makemore."

# Without XLA's optimisations, since compiling takes most of the time; so is `make test`.
quick: lint
	XLA_FLAGS=--xla_backend_optimization_level=0 $(BIN)/python -m pytest --quiet -n auto tests/laws

test: lint
	XLA_FLAGS=--xla_backend_optimization_level=0 $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

# Built, installed into a fresh environment and used, as somebody does who has no checkout.
wheel:
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip --quiet --disable-pip-version-check wheel --no-deps \
		--wheel-dir build/wheel/dist .
	build/wheel/bin/python -m pip --quiet --disable-pip-version-check install \
		--constraint constraints.txt build/wheel/dist/*.whl
	cd build/wheel && bin/wavenet-jax --version && bin/wavenet-jax train --steps 200 \
		--run-dir run && bin/wavenet-jax sample run

clean:
	rm -rf .venv .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Setting up .venv with $(PYTHON), once: half a minute to a few."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@
