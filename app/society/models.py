"""Tables of the room: the society's details, and days that differ from the public calendar."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import created_at, db

ONLY = 1  # the id of the one row


class Society(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """Who the society is, as statements and letters name it. One row, made with the installation."""

    __tablename__ = "society"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("btrim(name) <> ''", name="name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    registration_number: Mapped[str] = mapped_column(Text)
    postal_address: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)  # where the office is
    phone: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}


class CalendarDay(db.Model):  # type: ignore[name-defined]
    """A day on which the society works although others do not, or the other way round."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("btrim(reason) <> ''", name="reason"),)

    on_date: Mapped[date] = mapped_column(primary_key=True)
    is_working: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)
