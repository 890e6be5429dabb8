"""What the close of each day has done so far."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Instant, db


class DayStep(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One step of the close of one day. Not finished: it was tried, and ``summary`` says what stood in the way."""

    __tablename__ = "day_step"

    on_date: Mapped[date] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    tried_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    summary: Mapped[str]
    asked_by: Mapped[str]
