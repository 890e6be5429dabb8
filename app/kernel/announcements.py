"""What happened, told to whoever listens: a row in the transaction that made it happen.

Lower rooms announce and know nobody; who listens registers a job, and that job is rung once the row is saved. A lost
ring costs time only: the listener's own sweep finds what is not passed on yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, delete, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.database import Instant, db, uuid_key
from app.kernel.doorbell import ring
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction

KEPT = timedelta(days=90)  # as long as a delivery may be asked for again

_listeners: list[str] = []


class Announcement(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One thing that happened. The facts hold numbers and states, never a name, phone or identity number."""

    __tablename__ = "announcement"
    __table_args__ = (
        Index("ix_announcement_waiting", "at", "id", postgresql_where=text("passed_on_at IS NULL")),
        Index("ix_announcement_at", "at"),
    )

    id: Mapped[UUID] = uuid_key()
    event: Mapped[str] = mapped_column(Text)  # payment.succeeded
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(Instant)
    passed_on_at: Mapped[datetime | None] = mapped_column(Instant)


def listen(job_name: str) -> None:
    """Have this job rung, without arguments, whenever something was announced."""
    if job_name not in _listeners:
        _listeners.append(job_name)


def announce(event: str, *, subject: tuple[str, object], facts: Mapping[str, Any]) -> None:
    """Tell that something happened, in the caller's transaction: saved with it or not at all."""
    subject_type, subject_id = subject
    db.session.add(
        Announcement(
            event=event, subject_type=subject_type, subject_id=str(subject_id), facts=dict(facts), at=clock.now()
        )
    )
    for job_name in _listeners:
        ring(job_name)


@daily(at_minute=210)
def forget_old_announcements() -> None:
    """What was passed on long ago is of use to nobody; what still waits stays."""
    old = (Announcement.at < clock.now() - KEPT) & Announcement.passed_on_at.is_not(None)
    in_transaction(lambda: db.session.execute(delete(Announcement).where(old)))
