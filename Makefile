# Each target says what it does: make help.
PYTHON ?= python3
PORT ?= 8000
# Where pip looks for packages besides its own configuration. For the CPU build of PyTorch on most
# machines: make test EXTRA_INDEX=https://download.pytorch.org/whl/cpu
EXTRA_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
BASE_VENV := .venv-base
DEFINED_BY := pyproject.toml constraints.txt Makefile
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check \
	$(if $(EXTRA_INDEX),--extra-index-url $(EXTRA_INDEX)) -c constraints.txt
# pip cannot install a project's dependencies without the project.
BASE_DEPENDENCIES = $$($(PYTHON) -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"])')

.DEFAULT_GOAL := help
.PHONY: help serve train extras test test-base test-containers test-large bench bench-soak \
	bench-json bench-options bench-fit bench-select bench-compare bench-coverage \
	bench-input-form help-page fuzz fuzz-guided check format clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-17s %s\n", $$1, $$2}'

serve: $(VENV)/installed-base ## serve the model repository models/ on PORT (8000)
	$(BIN)/python -m service --port $(PORT)

train: $(VENV)/installed-training ## train on the digits data and publish the next version
	$(BIN)/python -m training fit

extras: $(VENV)/installed-training ## install Optuna, TensorBoard and MLflow beside it
	$(BIN)/python $(PIP_INSTALL) --group search --group tracking

# A file's tests share what they set up, and stay in one worker (tests/conftest.py).
SIDE_BY_SIDE = -n auto --dist loadfile

test: $(VENV)/installed-dev ## run the test suite, a worker per core
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-base: $(BASE_VENV)/installed-test ## run the service's tests where no PyTorch is installed
	$(BASE_VENV)/bin/python -m pytest $(SIDE_BY_SIDE) tests/service

# MLPSERVE_WHEELS names a folder of wheels to build the images from.
test-containers: $(VENV)/installed-dev ## build and run the images (needs a container engine)
	$(BIN)/python -m pytest -m containers --timeout 1800

test-large: $(VENV)/installed-dev ## train on 5 million rows in bounded memory, and the long presets
	$(BIN)/python -m pytest -m large --timeout 5400

bench: $(VENV)/installed-dev ## load the service, a plain FastAPI one and an echo in turn (needs wrk)
	$(BIN)/python -m benchmarks.serve

bench-soak: $(VENV)/installed-dev ## watch memory over a million requests of mixed sizes
	$(BIN)/python -m benchmarks.soak

bench-json: $(VENV)/installed-dev ## time the ways from JSON to an array and back
	$(BIN)/python -m benchmarks.json_numbers

bench-options: $(VENV)/installed-dev ## time ONNX Runtime's settings on a small and a wide network
	$(BIN)/python -m benchmarks.run_options

bench-fit: $(VENV)/installed-dev ## time training against a plain PyTorch loop and scikit-learn
	$(BIN)/python -m benchmarks.fit

bench-select: $(VENV)/installed-dev ## time cross-validation against one fit after the other
	$(BIN)/python -m benchmarks.select

bench-compare: $(VENV)/installed-dev ## score fit and select against scikit-learn on twelve data sets (hours)
	$(BIN)/python -m benchmarks.compare

bench-coverage: $(VENV)/installed-dev ## hold prediction sets against what they promise, on ten tables
	$(BIN)/python -m benchmarks.coverage

bench-input-form: $(VENV)/installed-dev ## time the ways in which a mixed row can go into a graph
	$(BIN)/python -m benchmarks.input_form

fuzz: $(VENV)/installed-dev ## a million made-up bodies, and clients that do as they like
	$(BIN)/python -m benchmarks.fuzz_bodies
	$(BIN)/python -m benchmarks.fuzz_connections

fuzz-guided: $(VENV)/installed-dev ## let atheris grow bodies that reach new code, for ten minutes
	$(BIN)/python $(PIP_INSTALL) --group fuzz
	$(BIN)/python -m benchmarks.fuzz_guided

help-page: $(VENV)/installed-dev ## write docs/cli.md, which shows what --help of training says
	$(BIN)/python -m training.help_page > docs/cli.md

check: $(VENV)/installed-dev ## format, lint, types and layers, all without editing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtual environments and caches
	rm -rf $(VENV) $(BASE_VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/pip: $(DEFINED_BY)
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --upgrade pip
	@touch $@

$(VENV)/installed-base: $(VENV)/pip
	@echo "installing what serving needs"
	@$(BIN)/python $(PIP_INSTALL) $(BASE_DEPENDENCIES)
	@touch $@

$(VENV)/installed-training: $(VENV)/installed-base
	@echo "installing what training needs (PyTorch: a minute or more)"
	@$(BIN)/python $(PIP_INSTALL) --group training
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed-training
	@echo "installing what tests and checks need"
	@$(BIN)/python $(PIP_INSTALL) --group dev
	@touch $@

$(BASE_VENV)/installed-test: $(DEFINED_BY)
	@echo "making a virtual environment without PyTorch in $(BASE_VENV)"
	@$(PYTHON) -m venv $(BASE_VENV)
	@$(BASE_VENV)/bin/python $(PIP_INSTALL) --upgrade pip
	@$(BASE_VENV)/bin/python $(PIP_INSTALL) $(BASE_DEPENDENCIES)
	@$(BASE_VENV)/bin/python $(PIP_INSTALL) --group test
	@touch $@
