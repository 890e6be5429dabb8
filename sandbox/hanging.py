"""An answer that never comes: the connection is held for a bounded time and then cut without a byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from flask import Response
from waitress.channel import ClientDisconnected  # type: ignore[import-untyped]

from sandbox.faults import Fault

HOLD_MS = 45_000
"""Longer than the time-out of any sensible client (30 s is common)."""

LONGEST_HOLD_MS = 120_000

_ending = threading.Event()


def never(fault: Fault) -> Response:
    """What a time-out looks like from the other side."""
    return Response(_hold(min(fault.delay_or(HOLD_MS), LONGEST_HOLD_MS) / 1000))


def let_go() -> None:
    """Cut all connections that are held: the process is about to end."""
    _ending.set()


def _hold(seconds: float) -> Iterator[bytes]:
    _ending.wait(seconds)
    # No byte has been sent yet: the server takes this for a client that went away and closes the connection.
    raise ClientDisconnected
    yield b""  # makes this a generator, which runs after the view has returned
