# Each target sets up what it needs, on a fresh machine too, and may be called again at any time.
# Written for GNU make 3.81 and a plain sh, which is what macOS has.

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin
RUNS := $(VENV)/.runs
TESTS := $(VENV)/.tests
# Every version is pinned with its dependencies, so nothing is left to resolve; all cores compile afterwards.
PIP := $(IN_VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile
COMPILE := $(IN_VENV)/python -m compileall -q -j 0 $(VENV)/lib

.PHONY: help run install test bench faults clean lock format sbom advisories

help:
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' Makefile | awk '{ name = $$1; $$1 = ""; printf "make %-8s%s\n", name, $$0 }'

run: $(RUNS) ## start everything in the foreground; Ctrl-C stops it
	@exec $(IN_VENV)/python -m launcher run

install: $(TESTS) ## .venv with everything the other targets need; starts nothing

test: $(TESTS) ## everything that CI checks
	@exec sh scripts/test.sh $(IN_VENV)

bench: $(TESTS) ## benchmarks, JSON lines on standard output
	@exec $(IN_VENV)/python -m bench

faults: $(TESTS) ## kills and faults against real processes, then ledger verify
	@exec $(IN_VENV)/python -m tests.faults

clean: ## stop what is running and remove its data
	@if [ -x $(IN_VENV)/python ] && [ -e $(RUNS) ]; then exec $(IN_VENV)/python -m launcher clean; else rm -rf "$${VAR:-var}"; fi

format: $(TESTS) ## lay the code out as `make test` wants it
	@$(IN_VENV)/ruff check --quiet --fix . ; $(IN_VENV)/ruff format --quiet .

sbom: $(TESTS) ## list the parts of a release with their hashes (CycloneDX) in sbom.json
	@$(IN_VENV)/cyclonedx-py requirements requirements.txt --output-reproducible --of JSON -o sbom.json

advisories: $(TESTS) ## compare the parts with the advisories about them; needs the network, and fails without it
	@$(IN_VENV)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

lock: ## compile requirements*.in, with hashes for all platforms; needs uv
	@for name in requirements requirements-dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; \
	done

$(RUNS): requirements.txt scripts/venv.sh
	@sh scripts/venv.sh "$(PYTHON)" $(VENV)
	@$(PIP) -r requirements.txt
	@$(COMPILE)
	@touch $@

$(TESTS): requirements-dev.txt $(RUNS)
	@$(PIP) -r requirements-dev.txt
	@$(COMPILE)
	@touch $@
