"""What the system needs, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from redis import RedisError
from rq import Worker
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import clock, doorbell
from app.kernel.database import db
from app.kernel.schedule import ScheduleSlot

BEAT = "ops.beat"
BEAT_MISSED_AFTER = timedelta(minutes=3)  # it beats every minute


@dataclass(frozen=True, slots=True)
class Health:
    """What was found. Pages need the database at the newest schema; the rest delays work and loses nothing."""

    database: bool
    migrations: bool
    redis: bool
    workers: dict[str, int]  # by queue, how many are there
    scheduler: bool

    @property
    def is_ready(self) -> bool:
        """Whether requests may be sent here."""
        return self.database and self.migrations

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.is_ready and self.redis and self.scheduler and all(self.workers.values())

    @property
    def status(self) -> str:
        """In one word."""
        return "ready" if self.is_whole else "degraded" if self.is_ready else "unavailable"


def look() -> Health:
    """Ask everybody once."""
    database, migrations, scheduler = _ask_database()
    redis, workers = _ask_redis()
    return Health(database, migrations, redis, workers, scheduler)


def _ask_database() -> tuple[bool, bool, bool]:
    try:
        at_head = MigrationContext.configure(db.session.connection()).get_current_heads() == _heads()
        beat_at = db.session.scalar(select(func.max(ScheduleSlot.slot_at)).where(ScheduleSlot.job == BEAT))
    except SQLAlchemyError:
        return False, False, False
    return True, at_head, beat_at is not None and clock.now() - beat_at < BEAT_MISSED_AFTER


def _ask_redis() -> tuple[bool, dict[str, int]]:
    """Workers register in Redis and vanish there when they stop showing signs of life."""
    workers = dict.fromkeys(doorbell.QUEUES, 0)
    try:
        for worker in Worker.all(connection=doorbell.redis()):
            for name in worker.queue_names():
                workers[name] = workers.get(name, 0) + 1
    except RedisError:
        return False, workers
    return True, workers


def _heads() -> tuple[str, ...]:
    """The newest migrations of this code, read once."""
    heads: tuple[str, ...] | None = current_app.extensions.get("migration_heads")
    if heads is None:
        config = current_app.extensions["migrate"].migrate.get_config()
        heads = tuple(ScriptDirectory.from_config(config).get_heads())
        current_app.extensions["migration_heads"] = heads
    return heads
