"""Redis is a doorbell: a ring says "look at this row now" and nothing else.

What must happen is a row in PostgreSQL, written with the business change. A ring leaves after the commit; if Redis is
away or loses it, the sweep finds the row again. Every job therefore may run twice, late, or be killed half-way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from flask import current_app
from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.kernel.database import db

log = logging.getLogger(__name__)

JOB_TIMEOUT_SECONDS = 120
FAILURE_KEPT_SECONDS = 86_400
BACKLOG = 10  # a sweep adds nothing to a queue that is behind: its rows would be rung for again and again
FOUND_TOGETHER = 20  # rows that a sweep found go to a worker in handfuls; starting a job costs more than most rows
QUEUES = ("payments", "callbacks", "messages", "files", "default")

JobFunction = TypeVar("JobFunction", bound=Callable[..., None])
Ring = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Job:
    queue: str
    function: Callable[..., None]
    timeout_seconds: int | None = None  # unless it is of the usual length


_jobs: dict[str, _Job] = {}
_sweeps: dict[str, Callable[[], Iterable[Ring]]] = {}


def job(queue: str, *, timeout_seconds: int | None = None) -> Callable[[JobFunction], JobFunction]:
    """Register a job as ``<room>.<function>``: what a ring of that name runs, in an app context of its own.

    One with a ``timeout_seconds`` of its own is long, and is never handed out together with others.
    """
    assert queue in QUEUES, f"no worker listens to {queue}"

    def register(function: JobFunction) -> JobFunction:
        _jobs[_name_of(function)] = _Job(queue, function, timeout_seconds)
        return function

    return register


def sweep(function: Callable[[], Iterable[Ring]]) -> Callable[[], Iterable[Ring]]:
    """Register a search for due rows whose ring was lost; it yields (job name, arguments)."""
    _sweeps[_name_of(function)] = function
    return function


def ring(name: str, *args: Any) -> None:
    """Have a job look at a row, once the transaction is saved; dropped if it is not."""
    assert name in _jobs, f"no job is called {name}"
    db.session().info.setdefault("rings", []).append((name, args))


def leave() -> None:
    """Send the rings of the transaction that was just saved."""
    rings: list[Ring] = db.session().info.pop("rings", [])
    _send(rings)


def forget() -> None:
    """Drop the rings of a transaction that was not saved."""
    db.session().info.pop("rings", None)


def sweep_all() -> dict[str, int]:
    """Ring for every due row that nobody is looking at; returns how many each sweep found."""
    found: dict[str, list[Ring]] = {}
    for name, search in _sweeps.items():
        with current_app.app_context():  # a session of its own: what goes wrong in it ends with it
            try:
                found[name] = list(search())
            except Exception:  # one room's broken search must not stop the others from being found
                log.exception("sweep failed", extra={"sweep": name})
    rings = [ring for some in found.values() for ring in some]
    for name in QUEUES:
        _send_found(name, [ring for ring in rings if _jobs[ring[0]].queue == name])
    return {name: len(some) for name, some in found.items()}


def answer(name: str, *args: str) -> None:
    """What a worker runs: the job of that name, its arguments turned back into the types it declares."""
    function = _jobs[name].function
    hints = [hint for parameter, hint in get_type_hints(function).items() if parameter != "return"]
    function(*(hint(value) if hint in (UUID, int) else value for hint, value in zip(hints, args, strict=True)))


def answer_all(rings: list[tuple[str, list[str]]]) -> None:
    """What a worker runs for rows that a sweep found: each in a context of its own, whatever became of the others."""
    for name, args in rings:
        with current_app.app_context():
            try:
                answer(name, *args)
            except Exception:  # the row stays due; the next sweep finds it
                log.exception("a job failed", extra={"job": name})


def queue(name: str) -> Queue:
    """One of the queues, with JSON on the wire: whoever writes to Redis must not be able to run code here."""
    return Queue(name, connection=redis(), serializer=JSONSerializer, default_timeout=JOB_TIMEOUT_SECONDS)


def redis() -> Redis:
    """The connection to Redis."""
    connection: Redis = current_app.extensions["redis"]
    return connection


def _send(rings: list[Ring]) -> None:
    try:
        for name, args in dict.fromkeys(rings):
            _enqueue_one(name, [str(arg) for arg in args])
    except RedisError as trouble:
        log.warning("the doorbell is out of order; the sweep will find the work", extra={"trouble": repr(trouble)})


def _send_found(name: str, rings: list[Ring]) -> None:
    plain = [(job_name, [str(arg) for arg in args]) for job_name, args in dict.fromkeys(rings)]
    try:
        if plain and queue(name).count < BACKLOG:
            usual = [ring for ring in plain if _jobs[ring[0]].timeout_seconds is None]
            for start in range(0, len(usual), FOUND_TOGETHER):
                _enqueue(name, answer_all, usual[start : start + FOUND_TOGETHER])
            for job_name, args in [ring for ring in plain if ring not in usual]:
                _enqueue_one(job_name, args)
    except RedisError as trouble:
        log.warning("the doorbell is out of order", extra={"trouble": repr(trouble)})


def _enqueue_one(name: str, args: list[str]) -> None:
    _enqueue(_jobs[name].queue, answer, name, *args, timeout_seconds=_jobs[name].timeout_seconds)


def _enqueue(name: str, function: Callable[..., None], *args: Any, timeout_seconds: int | None = None) -> None:
    queue(name).enqueue_call(
        function, args=args, timeout=timeout_seconds, result_ttl=0, failure_ttl=FAILURE_KEPT_SECONDS
    )


def _name_of(function: Callable[..., object]) -> str:
    """The room and the function: ``submit`` in ``app.payments.jobs`` is ``payments.submit``."""
    return f"{function.__module__.split('.')[-2]}.{function.__name__}"
