"""Starts and stops a whole Pamoja on one machine: its servers, its programs, its first data.

`make run` is `python -m launcher run`; the tests use the same pieces to start servers of their own. Standard library
and psycopg only, so that it works before anything else does.
"""
