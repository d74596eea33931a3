# Every target sets up what it needs: a virtual environment in .venv, with the versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
DIST ?= dist
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: help setup demo check test lint docs man torture sdist wheel wheels bench clean

help:
	@echo "make demo    bookings become alerts, on a real Kafka started for the purpose"
	@echo "make check   style, types and unit tests, without Kafka: two minutes"
	@echo "make test    the whole suite, in two processes; ARGS='-k name' chooses"
	@echo "make lint    style, types and import layers"
	@echo "make docs    the pages of docs/ as a site, in dist/docs; a link that leads nowhere is an error"
	@echo "make man     the manual page, dist/kafkalert.1; the wheel has it, too"
	@echo "make torture random faults over two clusters; ARGS='--seed 7 --minutes 10', see torture/README.md"
	@echo "make wheel   what operators install, in dist: the hot path compiled; needs a C compiler"
	@echo "make wheels  the same for Python 3.11 to 3.14, as far as they are installed here"
	@echo "make bench   measurements against Kafka Streams; ARGS=--quick to see that it works"
	@echo "make setup   only the virtual environment"
	@echo "make clean   remove it, and what tests and builds left"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; this is $$($(PYTHON) -V). Choose one: make PYTHON=python3.13"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "python3 -m venv does not work here. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

demo: setup
	@$(BIN)/kafkalert demo $(ARGS)

# The compiled wheel, which takes a minute alone, is left to `make test`.
check: lint
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --no-loadscope-reorder -q tests/unit --ignore tests/unit/package/test_compiled.py $(ARGS)

test: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --no-loadscope-reorder $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs:
	@test -x $(VENV)-docs/bin/zensical || $(PYTHON) -m venv $(VENV)-docs
	@$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@$(VENV)-docs/bin/python -m pip install --quiet --constraint constraints.txt --group docs
	@$(VENV)-docs/bin/zensical build --clean --strict

man: setup
	@mkdir -p $(DIST)
	@$(BIN)/python -m kafkalert.manual > $(DIST)/kafkalert.1

torture: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m torture.run $(ARGS)

# By an sdist, as a package index has it; a wheel that could not be compiled is an error here.
BUILD = KAFKALERT_COMPILED=1 $(BIN)/python -m pip $(1) wheel --quiet --no-deps --build-constraint constraints.txt \
	--wheel-dir $(DIST) $(DIST)/*.tar.gz || { echo "It needs a C compiler, and Python's headers."; exit 1; }

sdist: setup
	@rm -rf $(DIST)
	@$(BIN)/python -m hatchling build -t sdist -d $(DIST) 2>/dev/null

wheel: sdist
	@echo "Compiling into $(DIST) ..."
	@$(call BUILD,)

wheels: sdist
	@set -e; for version in 3.11 3.12 3.13 3.14; do \
		python$$version -c "" 2>/dev/null || { echo "python$$version is not installed here."; continue; }; \
		echo "Compiling for Python $$version into $(DIST) ..."; \
		$(call BUILD,--python $$(command -v python$$version)); \
	done

# As operators run it: the installed wheel, in an environment of its own.
bench: wheel
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@$(VENV)-bench/bin/python -m pip install --quiet --constraint constraints.txt "$$(echo $(DIST)/*.whl)[all]" --group dev
	@$(VENV)-bench/bin/python -m pip install --quiet --no-deps --force-reinstall $(DIST)/*.whl
	@$(VENV)-bench/bin/python -m bench.run $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-docs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf bench/peers/*/target tests/java/target
