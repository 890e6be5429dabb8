"""Tables of members' PINs and one-time codes. Neither is stored readable."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Instant, db, uuid_key

OPEN = text("used_at IS NULL AND voided_at IS NULL")


class MemberPin(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """The PIN of one member, how often it was mistyped in a row, and whether that has locked it."""

    __tablename__ = "member_pin"
    __table_args__ = (CheckConstraint("tries >= 0 AND issue > 0", name="counts"),)

    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"), primary_key=True)
    pin_hash: Mapped[str] = mapped_column(Text)  # argon2id
    temporary_until: Mapped[datetime | None] = mapped_column(Instant)  # set while the PIN was chosen by us
    issue: Mapped[int]  # how many we have given out; each is texted once
    issued_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(Instant)
    locked_at: Mapped[datetime | None] = mapped_column(Instant)  # until it is reset
    money_out_from: Mapped[datetime | None] = mapped_column(Instant)  # cooling-off after a reset


class OneTimeCode(db.Model):  # type: ignore[name-defined]
    """One code that was texted: for what, to which phone, and what became of it."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint("used_at IS NULL OR voided_at IS NULL", name="one_end"),
        CheckConstraint("expires_at > created_at", name="life"),
        Index(
            "uq_one_time_code_open", "purpose", "subject_type", "subject_id", unique=True, postgresql_where=OPEN
        ),  # a new code voids the older
        Index("ix_one_time_code_phone_hash", "phone_hash", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    purpose: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    facts_hash: Mapped[bytes] = mapped_column(LargeBinary)  # of everything the code is good for
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    voided_at: Mapped[datetime | None] = mapped_column(Instant)
