"""What the system needs, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import doorbell
from app.kernel.database import db
from app.ops import heartbeats
from app.ops.heartbeats import SCHEDULER


@dataclass(frozen=True, slots=True)
class Health:
    """What was found. Pages need the database at the newest schema; the rest delays work and loses nothing."""

    database: bool
    migrations: bool
    redis: bool
    workers: dict[str, int]  # by queue, how many were seen lately
    scheduler: bool

    @property
    def is_ready(self) -> bool:
        """Whether requests may be sent here."""
        return self.database and self.migrations

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """What is not there, by name."""
        parts = {name: getattr(self, name) for name in ("database", "migrations", "redis", "scheduler")}
        return [name for name, is_there in parts.items() if not is_there] + [
            f"worker {queue}" for queue, running in self.workers.items() if not running
        ]

    @property
    def status(self) -> str:
        """In one word."""
        return "ready" if self.is_whole else "degraded" if self.is_ready else "unavailable"


def look() -> Health:
    """Ask everybody once."""
    try:
        at_head = MigrationContext.configure(db.session.connection()).get_current_heads() == _heads()
        seen = {program.name: program.running for program in heartbeats.programs()} if at_head else {}
    except SQLAlchemyError:
        return Health(False, False, _redis_answers(), dict.fromkeys(doorbell.QUEUES, 0), False)
    workers = {queue: seen.get(queue, 0) for queue in doorbell.QUEUES}
    return Health(True, at_head, _redis_answers(), workers, seen.get(SCHEDULER, 0) > 0)


def _redis_answers() -> bool:
    try:
        doorbell.redis().ping()
    except RedisError:
        return False
    return True


def _heads() -> tuple[str, ...]:
    """The newest migrations of this code, read once."""
    heads: tuple[str, ...] | None = current_app.extensions.get("migration_heads")
    if heads is None:
        config = current_app.extensions["migrate"].migrate.get_config()
        heads = tuple(ScriptDirectory.from_config(config).get_heads())
        current_app.extensions["migration_heads"] = heads
    return heads
