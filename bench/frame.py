"""What every benchmark needs: a stopwatch, a JSON line, and an application on a database that writes to disk."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

from flask import Flask

from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers

T = TypeVar("T")


def figure(
    name: str, value: float, unit: str, *, baseline: float | None = None, n: int | None = None, detail: str = ""
) -> None:
    """Print one figure; the ratio says how many times the baseline it is."""
    line = {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 4),
        "ratio": round(value / baseline, 2) if baseline else None,
        "n": n,
        "detail": detail,
    }
    print(json.dumps(line), flush=True)


def say(text: str) -> None:
    """A word to whoever watches."""
    print(text, file=sys.stderr, flush=True)


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """How long ``work`` takes, and what it returns."""
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


def median_ms(work: Callable[[], object], *, times: int = 9) -> float:
    """The middle of several runs, in milliseconds, after one that warms up."""
    work()
    return statistics.median(seconds(work)[0] for _ in range(times)) * 1000


@contextmanager
def application(servers: Servers) -> Iterator[Flask]:
    """An application on a fresh, migrated database; its context is pushed."""
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        try:
            with app.app_context():
                yield app
        finally:
            dispose(app)
