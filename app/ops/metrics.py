"""/metrics in Prometheus's words: what this web server counted itself, and the figures that PostgreSQL and Redis hold.

Every web process counts for itself; with PROMETHEUS_MULTIPROC_DIR, which `gunicorn.conf.py` sets, whichever answers
tells for all. Figures are read at most once in some seconds, so that asking often costs nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.kernel import clock
from app.ops import figures, queues
from app.ops.figures import Figures
from config import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_FOR = timedelta(seconds=5)
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MOST_EVENTS = 60  # kinds of security events that are told apart

counted = CollectorRegistry()
REQUESTS = Counter("pamoja_requests", "Requests answered", ["room", "status"], registry=counted)
SECONDS = Histogram("pamoja_request_seconds", "Time to answer", ["room"], registry=counted, buckets=BUCKETS)
SECURITY = Counter("pamoja_security_events", "Suspicious or forbidden attempts", ["event"], registry=counted)


class SecurityEvents(logging.Handler):
    """Counts what goes to the security log by its name, which is a text of ours and never of whoever asks."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._known: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Count one; beyond a number of kinds, all others are one kind."""
        name = re.sub(r"\W+", "_", str(record.msg).lower())[:60]
        if len(self._known) < MOST_EVENTS:
            self._known.add(name)
        SECURITY.labels(name if name in self._known else "other").inc()


class Kept:
    """The figures of PostgreSQL and Redis, read by one request at a time and kept for some seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._figures = Figures()
        self._queues: list[queues.QueueLength] | None = None

    def forget(self) -> None:
        """Read anew when somebody asks next."""
        self._read_at = None

    def get(self) -> tuple[Figures, list[queues.QueueLength] | None]:
        """What is known, or is found out now."""
        with self._lock:
            if self._read_at is None or not timedelta(0) <= clock.now() - self._read_at < KEPT_FOR:
                self._figures, self._queues = figures.read(), queues.lengths()
                self._read_at = clock.now()
            return self._figures, self._queues


class Told(Collector):
    """Figures and queues as Prometheus wants them."""

    def __init__(self, settings: Settings, found: Figures, lengths: list[queues.QueueLength] | None) -> None:
        self._settings, self._figures, self._queues = settings, found, lengths

    def collect(self) -> Iterator[Metric]:
        """All of them, each with its help."""
        info = GaugeMetricFamily("pamoja_build_info", "Which release runs", labels=["release", "profile"])
        info.add_metric([self._settings.release, self._settings.profile], 1)
        yield info
        yield GaugeMetricFamily(
            "pamoja_database_up", "Whether PostgreSQL answers", value=int(self._figures.database_is_up)
        )
        yield GaugeMetricFamily("pamoja_redis_up", "Whether Redis answers", value=int(self._queues is not None))
        failed = GaugeMetricFamily("pamoja_figure_failed", "Figures that could not be read", labels=["figure"])
        for name in self._figures.failed:
            failed.add_metric([name], 1)
        yield failed
        yield from self._from_database()
        yield from self._from_redis()

    def _from_database(self) -> Iterator[Metric]:
        for reading in figures.READINGS:
            for column, told in reading.columns.items():
                kind = CounterMetricFamily if column in reading.counters else GaugeMetricFamily
                family = kind(reading.figure(column), told, labels=list(reading.labels))
                for sample in self._figures.samples:
                    if sample.reading is reading and sample.column == column:
                        family.add_metric(list(sample.labels), sample.value)
                yield family

    def _from_redis(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("pamoja_queue_waiting", "Rings that wait for a worker", labels=["queue"])
        oldest = GaugeMetricFamily("pamoja_queue_oldest_seconds", "Age of the first of them", labels=["queue"])
        failed = GaugeMetricFamily("pamoja_queue_failed", "Jobs of the last day that failed", labels=["queue"])
        for one in self._queues or []:
            waiting.add_metric([one.name], one.waiting)
            oldest.add_metric([one.name], one.oldest.total_seconds() if one.oldest else 0)
            failed.add_metric([one.name], one.failed)
        yield from (waiting, oldest, failed)


def install(app: Flask) -> None:
    """Count every request, and what goes to the security log."""
    app.extensions["figures"] = Kept()
    security = logging.getLogger("security")
    if not any(isinstance(handler, SecurityEvents) for handler in security.handlers):
        security.addHandler(SecurityEvents())

    @app.after_request
    def count(response: Response) -> Response:
        room = request.blueprint or ("static" if request.endpoint == "static" else "none")
        REQUESTS.labels(room, f"{response.status_code // 100}xx").inc()
        if "started" in g:
            SECONDS.labels(room).observe(time.monotonic() - g.started)
        return response


def told() -> bytes:
    """Everything, as Prometheus reads it."""
    found, lengths = kept().get()
    registry = CollectorRegistry()
    registry.register(Told(current_app.extensions["settings"], found, lengths))
    if _counts_across_processes():
        MultiProcessCollector(registry)
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(counted)


def kept() -> Kept:
    """The figures of this application."""
    found: Kept = current_app.extensions["figures"]
    return found


def _counts_across_processes() -> bool:
    """Decided when the library was imported, by the environment of the process."""
    return values.ValueClass is not values.MutexValue
