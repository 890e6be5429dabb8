"""Benchmarks: figures, never verdicts. `make bench` runs all, `python -m bench ledger` those of one room.

Each figure is a JSON line on standard output, as `interfaces.md` describes; what a person wants to know meanwhile goes to
standard error.
"""
