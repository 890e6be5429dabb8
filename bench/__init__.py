"""Benchmarks: figures, never verdicts. `make bench` runs all, `python -m bench ledger` those of one room.

Each figure is a JSON line on standard output: name, value, unit, baseline, ratio, n, detail. What a person wants to
know meanwhile goes to standard error.
"""
