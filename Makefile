# make quickstart   install in .venv and evaluate a real model on the corpus `mini`
# make test         install what the tests need and run them
# make test-slow    the rest: packages built and installed, real models, a browser
# make lint         formatting, lint and types
# make bench        measure speed and memory beside peers (minutes; not in CI)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: quickstart test test-slow lint bench clean

$(BIN)/python:
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("unibench needs Python 3.11 or newer, this is %d.%d; say: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.quickstart: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[local]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[local,train,ray,spacy,dev]'
	touch $@

quickstart: $(VENV)/.quickstart
	$(BIN)/unibench evaluate -m uniner-smol-135m -d mini

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The peers that benchmarks compare with live in an environment of their own.
.venv-peers/.done: benchmarks/peers.txt | $(BIN)/python
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet torch==2.13.0
	.venv-peers/bin/python -m pip install --quiet -r benchmarks/peers.txt
	touch $@

bench: $(VENV)/.dev .venv-peers/.done
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .venv-peers dist build runs .mypy_cache .ruff_cache .pytest_cache
