# Each target sets itself up: what is needed is Python >= 3.11, git and make.
PYTHON ?= python3
BIN := .venv/bin
export NO_MKDOCS_2_WARNING := 1

# They run the pages and spoil the library, much slower where coverage is traced.
PAGES_TESTS := tests/test_pages.py tests/test_site.py

.PHONY: serve test browser build runtime audit benchmark clean lock

# The site at http://127.0.0.1:8000, reloaded when a page or the library changes.
serve: .venv/ready
	$(BIN)/mkdocs serve

# Everything that CI runs.
test: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --cov --cov-report=term $(PAGES_TESTS:%=--ignore %)
	$(BIN)/pytest -n auto $(PAGES_TESTS)

# The site in Chromium, as its readers see it; not a part of CI.
browser: .venv/ready
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[browser]'
	$(BIN)/pytest tests/browser

# The site as files in site/.
build: .venv/ready
	$(BIN)/mkdocs build --strict
	$(BIN)/python -m hw4site.gate docs site

# Python for readers' browsers, for the next build to put into the site: 15 MB, pinned.
runtime: .venv/ready
	$(BIN)/python -m hw4site.runtime fetch

# Lighthouse over every page: needs Node >= 20 with npm, Chromium, and an hour and a half of patience.
# `make audit PAGES="index architecture" RUNS=1` measures less.
audit: .venv/ready
	npm ci --silent --prefix tools/audit
	$(BIN)/python tools/audit/audit.py --runs $(or $(RUNS),5) $(PAGES)

# Every kernel beside its peers, for docs/benchmarks.md: a quarter of an hour of a quiet machine.
benchmark: .venv/ready
	$(PYTHON) -m venv .venv/benchmark
	.venv/benchmark/bin/python -m pip install -q --disable-pip-version-check -e '.[benchmark]'
	.venv/benchmark/bin/python -m benchmarks

clean:
	rm -rf .venv site

# Pins every dependency, with hashes and without addresses.
lock: .venv/ready
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header \
		--python-version 3.11 --extra site --extra test pyproject.toml -o requirements.txt

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		f"Python {sys.version.split()[0]} found, 3.11 or later needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
