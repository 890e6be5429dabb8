"""What watching over the system leaves behind: signs of life, what sweeps found, how verifications ended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Instant, db, uuid_key


class Heartbeat(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """When one running program was last seen alive."""

    __tablename__ = "heartbeat"

    program: Mapped[str] = mapped_column(primary_key=True)  # a queue's name, or "scheduler"
    instance: Mapped[str] = mapped_column(primary_key=True)  # machine and process
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    release: Mapped[str]


class SweepTally(db.Model):  # type: ignore[name-defined]
    """How many due rows a sweep has found since the system was installed: rings that came late or never."""

    __tablename__ = "sweep_tally"

    sweep: Mapped[str] = mapped_column(primary_key=True)
    found: Mapped[int] = mapped_column(BigInteger)
    found_at: Mapped[datetime] = mapped_column(Instant)


class Verification(db.Model):  # type: ignore[name-defined]
    """How one verification of the books by the clock ended. Inserted and read, never changed."""

    __tablename__ = "verification"
    __table_args__ = (Index("ix_verification_ended_at", "ended_at"),)

    id: Mapped[UUID] = uuid_key()
    begun_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    is_ok: Mapped[bool]
    entries: Mapped[int] = mapped_column(BigInteger)
    differences: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[str]
