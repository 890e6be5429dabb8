"""The doorbell's queues: how many rings wait, and for how long. Redis forgets; nothing here is more than a hint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import RedisError
from rq.job import Job

from app.kernel import clock, doorbell


@dataclass(frozen=True, slots=True)
class QueueLength:
    """One queue as it is now."""

    name: str
    waiting: int
    oldest: timedelta | None  # for how long the first in it has waited
    failed: int


def lengths() -> list[QueueLength] | None:
    """Every queue, or None while Redis does not answer."""
    try:
        return [_length(name) for name in doorbell.QUEUES]
    except RedisError:
        return None


def _length(name: str) -> QueueLength:
    queue = doorbell.queue(name)
    first = queue.get_job_ids(0, 1)
    return QueueLength(name, queue.count, _waiting(first[0]) if first else None, queue.failed_job_registry.count)


def _waiting(job_id: str) -> timedelta | None:
    """For how long a job has waited, by the moment that RQ wrote down; None if it has just been taken."""
    rung = doorbell.redis().hget(Job.key_for(job_id), "enqueued_at")
    if rung is None:
        return None
    text = rung.decode() if isinstance(rung, bytes) else rung
    return max(clock.now() - datetime.fromisoformat(text), timedelta(0))
