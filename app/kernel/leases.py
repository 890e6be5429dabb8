"""Claiming work in PostgreSQL: whoever claims a row has it for a while, and an old claim cannot write.

A row is *due* at an instant, *leased* until another, and carries a fencing number that each claim raises. A worker that
was paused past its lease finds a higher number and leaves the row alone (`reference/queue-and-database.md`, R2).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.database import Instant, db

LEASE_SECONDS = 60


class LeaseLost(Exception):
    """Another worker has claimed the row since; what this one learned too late is not written."""


class Leased:
    """Columns of a row that is work to do. ``due_at`` empty: nothing to do."""

    due_at: Mapped[datetime | None] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    fence: Mapped[int] = mapped_column(default=0, server_default="0")


Row = TypeVar("Row", bound=Leased)


def is_due(model: type[Leased]) -> ColumnElement[bool]:
    """Rows that want doing and that nobody is doing."""
    instant = clock.now()
    return and_(model.due_at <= instant, or_(model.leased_until.is_(None), model.leased_until < instant))


def claim(model: type[Row], key: Any, *, seconds: int = LEASE_SECONDS) -> Row | None:
    """Take a row for ``seconds``, or None when it is not due or somebody else has it."""
    primary = model.__mapper__.primary_key[0]  # type: ignore[attr-defined]  # every Leased class is mapped
    taken = (
        update(model)
        .where(primary == key, is_due(model))
        .values(leased_until=clock.now() + timedelta(seconds=seconds), fence=model.fence + 1)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return db.session.scalars(taken).one_or_none()


def hold(model: type[Row], key: Any, *, fence: int) -> Row:
    """Lock the row that was claimed as ``fence``, to write what came of it. Raises LeaseLost."""
    row = db.session.get(model, key, with_for_update=True, populate_existing=True)
    if row is None or row.fence != fence:
        raise LeaseLost(f"{model.__name__} {key}")
    return row


def done(row: Leased, *, next_at: datetime | None = None) -> None:
    """Give the row back: finished, or due again at ``next_at``."""
    row.due_at, row.leased_until = next_at, None
