# Each target sets itself up: what is needed is Python >= 3.11, git and make.
# Everything runs as `python -m`, so that a moved checkout still works.
PYTHON ?= python3
RUN := .venv/bin/python -m
export NO_MKDOCS_2_WARNING := 1
export PYTHONUTF8 := 1

# They run every page many times, and build the site.
PAGES_TESTS := tests/test_pages.py tests/test_site.py

.PHONY: serve test browser builders build runtime audit benchmark mutants clean lock

# The site at http://127.0.0.1:8000, reloaded when a page or the library changes.
serve: .venv/site
	$(RUN) mkdocs serve

# Every test of the library, the pages and the site.
test: .venv/test
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) pytest -n auto --cov --cov-report=term $(PAGES_TESTS:%=--ignore %) \
		--ignore tests/browser --ignore tests/builders
	$(RUN) pytest -n auto $(PAGES_TESTS)

# The site in Chromium, as its readers see it. BROWSER_TESTS=... reads less of it.
browser: .venv/browser
	$(RUN) pytest -n auto $(or $(BROWSER_TESTS),tests/browser)

# The same pages under the two successors of MkDocs.
builders: .venv/builders
	$(RUN) pytest tests/builders

# The site as files in site/. SITE_URL=https://... is the address it will have.
build: .venv/site
	$(RUN) mkdocs build --strict
	$(RUN) hw4site.gate docs site

# Python for readers' browsers, for the next build to put into the site: 15 MB, pinned.
runtime: .venv/site
	$(RUN) hw4site.pyodide fetch

# Validators and Lighthouse over every page: needs Node >= 20 with npm, Chromium, Java for one
# of the validators, and an hour and a half of patience.
# `make audit PAGES="index architecture" RUNS=1` measures less.
audit: .venv/site
	npm ci --silent --prefix tools/audit
	.venv/bin/python tools/audit/audit.py --runs $(or $(RUNS),5) $(PAGES)

# Every kernel against its peers, for docs/benchmarks.md: a quarter of an hour of a quiet machine.
# A C compiler, as `apt-get install gcc` has, is optional: without one the C loops are left out.
benchmark:
	$(PYTHON) -m venv .venv/benchmark
	.venv/benchmark/bin/python -m pip install -q --disable-pip-version-check -r requirements/benchmark.txt
	.venv/benchmark/bin/python -m benchmarks

# 300 changes of the library, drawn by a seed, each against its module's tests.
mutants: .venv/mutants
	.venv/bin/python tools/mutants.py

clean:
	rm -rf .venv site

# Pins every dependency, with hashes and without addresses.
lock: .venv/installer
	for name in installer site test browser builders mutants benchmark; do \
		$(RUN) uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
			--python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; \
	done

.venv/installer: requirements/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		f"Python {sys.version.split()[0]} found, 3.11 or later needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	$(RUN) pip install -q --disable-pip-version-check --require-hashes -r requirements/installer.txt
	touch $@

# What each needs is added to one environment; the file is written when all is there.
.venv/%: requirements/%.txt pyproject.toml .venv/installer
	$(RUN) uv pip install -q --no-deps --require-hashes -r requirements/$*.txt
	$(RUN) uv pip install -q --no-deps --no-build-isolation -e .
	touch $@
