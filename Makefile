# Imangor. `make help` lists the commands.
SHELL := /bin/bash
.DEFAULT_GOAL := help

STATE ?= .local
PORT ?= 8080
RUNS ?= 200
ROWS ?=
CLOUDS ?= 3

PY := .venv/bin/python
SUPPORTED := python3 python3.13 python3.12 python3.11
HOST_PYTHON := $(firstword $(foreach p,$(SUPPORTED),$(shell command -v $(p) >/dev/null 2>&1 && \
	$(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
PINS := requirements.txt requirements-local.txt requirements-dev.txt pyproject.toml
INSTALLED := .venv/.installed-$(shell cat $(PINS) | sha256sum | cut -c1-16)

.PHONY: help setup run up down test test-slow sign-in auth-conformance faults faults-full check generate bench load \
	bench-accept bench-pictures bench-cold-start bench-tracing gallery bundle audit reset clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(INSTALLED) ## install everything that is missing; start nothing
	@$(PY) -m local.packages || echo 'The local cloud works without them, with less.'
	@$(PY) -m tools.fonts --to build/fonts
	@$(PY) -m tools.reference || echo 'The local cloud works without it.'

run: setup ## start the local cloud, translate the sample photo, and stay
	@exec $(PY) -m local run --port $(PORT) --state $(STATE)

up: setup ## start the local cloud and stay
	@exec $(PY) -m local up --port $(PORT) --state $(STATE)

down: ## stop the local cloud; its state stays
	@[ ! -x $(PY) ] || $(PY) -m local down --state $(STATE)

test: setup ## all tests but the slow ones
	$(PY) -m pytest -m 'not slow'

test-slow: setup ## the slow tests
	$(PY) -m pytest -m slow

sign-in: setup ## sign up in Chromium with the Firebase SDK and translate a picture; build/sign-in/*.png
	@$(PY) -m tools.reference --pins tests/e2e/browser/firebase.json --to build/firebase
	$(PY) -m pytest -m slow tests/e2e/browser

auth-conformance: setup ## our Auth emulator, and firebase-tools' where Node is, by one suite
	$(PY) -m pytest -q tests/contract/auth
	$(PY) -m tools.auth_conformance

faults: setup ## the fault matrix: 20 runs a row on several clouds, and build/faults/report.json
	$(PY) -m tests.faults --runs 20 --clouds $(CLOUDS)

faults-full: setup ## more runs, added to the same report: RUNS=200 ROWS=1-5,9
	$(PY) -m tests.faults --resume --runs $(RUNS) --rows "$(ROWS)" --clouds $(CLOUDS)

check: $(INSTALLED) ## lint, types, layers, manifests, OpenAPI and unit tests; needs no network
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m tools.manifests --check
	$(PY) -m tools.openapi --check
	$(PY) -m tools.scene_schema --check
	$(PY) -m tools.configuration --check
	$(PY) -m tools.access --check
	$(PY) -m bench.simulate --check
	$(PY) -m pytest -q tests/unit

generate: $(INSTALLED) ## write openapi.json, the JSON Schemas and the pages that are made from the code
	$(PY) -m tools.openapi --write
	$(PY) -m tools.manifests --write
	$(PY) -m tools.scene_schema --write
	$(PY) -m tools.configuration --write
	$(PY) -m tools.access --write
	$(PY) -m tests.faults --write-page
	$(PY) -m bench.simulate --write

bench: bench-pictures bench-cold-start ## all benches

bench-pictures: setup ## what the program makes of drawn pages whose truth is known; build/bench/pictures.html
	@$(PY) -m tools.fonts --to build/bench-fonts --of bench/pictures/fonts.toml
	$(PY) -m bench.pictures

bench-cold-start: setup ## the start of each function against the framework's hello world
	$(PY) -m bench.cold_start --check

load: setup ## a thousand queued pictures through two workers; nothing may drift
	$(PY) -m bench.load --check

bench-accept: setup ## accepting a job against hand-written SQL
	$(PY) -m bench.accept --check

bench-tracing: setup ## what recording a request costs it
	$(PY) -m bench.tracing --check

gallery: setup ## docs/gallery, drawn, read, translated and rendered anew
	@$(PY) -m tools.fonts --to build/bench-fonts --of bench/pictures/fonts.toml
	$(PY) -m tools.make_gallery

bundle: setup ## one zip for each function, in build/bundles
	$(PY) -m tools.bundle --to build/bundles

audit: $(INSTALLED) ## known vulnerabilities in what is installed; needs the network
	.venv/bin/pip-audit -r requirements.txt --no-deps --disable-pip

reset: ## stop the local cloud and delete its state
	@[ ! -x $(PY) ] || $(PY) -m local reset --state $(STATE)

clean: ## reset, and delete all that was installed or built here
	@[ ! -x $(PY) ] || $(PY) -m local reset --programs --state $(STATE)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian and Ubuntu ship python3 without what `venv` needs to put pip into it.
.venv/bin/python:
	@[ -n "$(HOST_PYTHON)" ] || { echo 'Python 3.11 or newer is needed: apt-get install python3'; exit 1; }
	@$(HOST_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(HOST_PYTHON) -c 'import sys; print("python3.%d-venv" % sys.version_info[1])'); \
		[ "$$(id -u)" = 0 ] || { echo "Python's venv is missing: sudo apt-get install $$package"; exit 1; }; \
		apt-get update -q && apt-get install -yq --no-install-recommends $$package; }
	$(HOST_PYTHON) -m venv .venv

$(INSTALLED): | .venv/bin/python
	@$(PY) -m pip --version >/dev/null 2>&1 || $(HOST_PYTHON) -m venv --clear .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m pip install -qq --disable-pip-version-check --no-deps -e .
	@rm -f .venv/.installed-*
	@touch $@
