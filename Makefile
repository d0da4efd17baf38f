# Needs make, git and one of Python 3.11 to 3.13; everything else is installed into .venv by `make setup`.
.DEFAULT_GOAL := help
.PHONY: help setup lint audit test demo chaos bench lock

PYTHON ?=
BIN := .venv/bin
INSTALLED := .venv/.installed
SUPPORTED := import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))
LOCK_COMMAND := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header --all-extras pyproject.toml

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv and install what requirements.lock names; at once when nothing changed

# The stamp is older than the lock or pyproject.toml after either has changed. `command -v` alone is not enough to choose
# an interpreter: a version manager puts names on the path that do not run.
$(INSTALLED): requirements.lock pyproject.toml
	@if ! test -x $(BIN)/python; then \
		for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
			if "$$candidate" -c '$(SUPPORTED)' >/dev/null 2>&1; then chosen="$$candidate"; break; fi; \
		done; \
		test -n "$${chosen:-}" || { echo "No Python 3.11 to 3.13 found; name one: make setup PYTHON=/path/to/python" >&2; exit 1; }; \
		echo "Creating .venv with $$chosen"; \
		"$$chosen" -m venv .venv || { rm -rf .venv; exit 1; }; \
	fi
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

CODE := schemas streams providers agents projections infra
lint: setup ## ruff, bandit, mypy, import directions, and no address in a lock file
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if find . \( -name .venv -o -name node_modules -o -name build -o -name .git \) -prune -o \
		\( -name '*.lock' -o -name '*.lock.json' -o -name 'package-lock.json' \) -type f -exec grep -n '://' {} +; \
	then echo "A lock file holds an address; it may hold names, versions and digests only." >&2; exit 1; fi

audit: setup ## known vulnerabilities of what requirements.lock names; exit code 3 when no service answers
	$(BIN)/python .ci/audit.py

# Half of the suite's time is waiting, so that three processes share two cores well. Files go out in their order: the long
# ones stand first.
test: setup ## the whole suite, on an embedded Kafka and PostgreSQL
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

demo: setup ## a shop's day through Kafka, the agents and a sandbox, with the books balanced at the end
	$(BIN)/kolaj demo

SEED ?= 1
SEEDS ?=
chaos: setup ## faults against real processes on three brokers; SEED=n, or SEEDS=1..10, resumed where it was broken off
	@mkdir -p build
	$(BIN)/kolaj chaos $(if $(SEEDS),--seeds $(SEEDS) --state build/chaos-seeds.json,--seed $(SEED))

PART ?=
bench: setup ## the hub against a bare loop: rates, added time, memory, a picture in build/; PART=name runs one part
	@mkdir -p build
	$(BIN)/kolaj bench $(if $(PART),--part $(PART))

# Written beside and moved, so that a failure leaves the old lock. The build backend is asked for as a requirement as
# well, since the project itself is installed without build isolation.
lock: ## refresh requirements.lock; needs uv
	@command -v uv >/dev/null || { echo "uv is not installed; it is needed only to refresh the lock." >&2; exit 1; }
	printf 'setuptools>=77\n' | $(LOCK_COMMAND) - --quiet --output-file requirements.lock.new
	mv requirements.lock.new requirements.lock
