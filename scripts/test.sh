#!/bin/sh
# Everything that CI checks: test.sh FOLDER-OF-PROGRAMS
set -eu
programs=$1
sh scripts/browser.sh
sh scripts/servers.sh
step() { printf '\n== %s\n' "$*"; "$programs/$@"; }
step ruff check .
step ruff format --check .
step mypy
step lint-imports
printf '\n== pytest\n'
exec "$programs/python" -m pytest --numprocesses=2 --dist=loadfile --cov --cov-report=term
