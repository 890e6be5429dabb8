"""Kills and faults against real processes; the sandbox's own books are the other side.

``python -m tests.faults`` runs every episode of `episodes.py` on a system started as `make run` starts it, lets it
heal, and holds it to the invariants of `invariants.py`. ``test_kill_sweep.py`` kills a job at each of its steps.
"""
