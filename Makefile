# All the set-up a fresh machine needs: Python >= 3.11 and make. `make help` lists what there is.
.POSIX:
.SUFFIXES:
.PHONY: help demo test test-all soak check docs examples format lock golden bench precision chromium clean

PY = .venv/bin/python
DEMO_FLAGS = $(if $(ONCE),--once) $(if $(DAYS),--days $(DAYS))
# A file of tests is one worker's: some files tell a story in order, and roles belong to the whole server.
PYTEST = $(PY) -m pytest -n 2 --dist loadfile
QUICK = not browser and not faults and not scenario

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || grep '##' Makefile

demo: .venv/.installed  ## the sample company end to end; ONCE=1 exits afterwards, DAYS=n scales it
	@$(PY) -m alerting_pipeline.cli demo $(DEMO_FLAGS)

test: .venv/.installed-dev  ## the suite before every commit
	@$(PYTEST) -m "$(QUICK)"

test-all: .venv/.installed-dev chromium  ## the suite with browser, fault and scenario tests
	@$(PYTEST)

soak: .venv/.installed-dev  ## every promise of docs/reliability.md at full count, in 30 minutes; ONLY=area measures one, COUNT=n shows less
	@$(PY) -m tests.soak $(if $(ONLY),--only "$(ONLY)") $(if $(COUNT),--count $(COUNT))

check: .venv/.installed-dev  ## linters, types, direction of imports, dbt parse, alerting validate, documentation
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@$(PY) -m pyright
	@.venv/bin/lint-imports --no-cache
	@$(PY) -m dbt.cli.main --quiet parse --project-dir dbt_project --profiles-dir dbt_project \
		--target-path "$$PWD/.alerting/check/target" --log-path "$$PWD/.alerting/check/logs"
	@$(PY) -m alerting_pipeline.cli validate
	@$(MAKE) --no-print-directory docs

docs: .venv/.installed-dev  ## the documentation as a site, in .alerting/site
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs --quiet build --strict

examples: .venv/.installed  ## write the real messages into the pages of examples, from a run in a home of its own
	@ALERTING_HOME="$$PWD/.alerting-examples" $(PY) -m alerting_pipeline.cli demo --once --days 3
	@$(PY) -m docs.generator.messages "$$PWD/.alerting-examples" && rm -rf .alerting-examples

bench: .venv/.installed-dev  ## ratios against peers and physical limits, in one run
	@$(PY) -m benchmarks

precision: .venv/.installed-dev  ## how much fraud is found on real card payments; DATA=folder of day files, UNTIL=last calibrated day
	@$(PY) -m benchmarks.precision --from "$(DATA)" $(if $(UNTIL),--calibrate-until $(UNTIL))

golden: .venv/.installed-dev  ## write the golden files anew; read the difference before you commit it
	@$(PY) -m tests.rendering.golden

format: .venv/.installed-dev  ## format the code
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

lock: .venv/.installed-dev  ## pin what is installed now
	@$(PY) -m pip freeze --exclude-editable | grep -v ' @ ' | LC_ALL=C sort -f > requirements.lock

chromium:
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
		else echo 'The browser tests need Chromium: sudo apt-get install chromium' >&2; exit 1; fi; }

clean:  ## forget everything that was made here: the environment and the local state
	rm -rf .venv .alerting

.venv/bin/python:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo 'Python 3.11 or newer is needed; on Debian: apt-get install python3 python3-venv' >&2; exit 1; fi; \
	echo "Making .venv with $$($$found --version)"; \
	$$found -m venv .venv || { rm -rf .venv; echo 'On Debian the venv module is a package: apt-get install python3-venv' >&2; exit 1; }

.venv/.installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo 'Installing the pinned packages into .venv (about a minute)'
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch .venv/.installed

.venv/.installed-dev: .venv/.installed
	@echo 'Installing the packages for tests and checks'
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch .venv/.installed-dev
