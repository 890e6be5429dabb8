"""The audit trail and who read what: rows that the application may add and read, and that nobody may change."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    FetchedValue,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Uuid as UUIDColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Instant, db, uuid_key


class AuditEvent(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One thing that somebody did to something."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_actor", "actor_kind", "actor_id", "at"),
        Index("ix_audit_event_subject", "subject_type", "subject_id", "at"),
        Index("ix_audit_event_action", "action", "at"),
        Index("ix_audit_event_branch_id_at", "branch_id", "at", "id"),
        Index("ix_audit_event_address", "address", "at"),
        Index("ix_audit_event_request_id", "request_id"),
        Index("ix_audit_event_filed_on", "filed_on", "id"),
    )

    id: Mapped[UUID] = uuid_key()  # always the database's own: its first digits are the database's clock
    at: Mapped[datetime] = mapped_column(Instant)
    filed_on: Mapped[date] = mapped_column(server_default=FetchedValue())  # the day with which it is sealed
    action: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    on_behalf_of: Mapped[str | None] = mapped_column(Text)
    branch_id: Mapped[int | None]
    request_id: Mapped[str | None] = mapped_column(Text)  # the line in the log that belongs to it
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    @property
    def actor(self) -> tuple[str, str]:
        """Who did it: kind and id."""
        return self.actor_kind, self.actor_id

    @property
    def subject(self) -> tuple[str, str]:
        """To what it was done: type and id."""
        return self.subject_type, self.subject_id

    @property
    def words(self) -> str:
        """What was done, in words: ``identity.staff_created`` is "Staff created"."""
        return self.action.partition(".")[2].replace("_", " ").capitalize()

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """Field, value before and value after; None where there was or is nothing."""
        before, after = self.before or {}, self.after or {}
        return [(name, before.get(name), after.get(name)) for name in {**before, **after}]

    @property
    def asked_by(self) -> tuple[str, str] | None:
        """For whom a job or program did it, where somebody asked: kind and id."""
        if self.on_behalf_of is None:
            return None
        kind, _, asked_by = self.on_behalf_of.partition(":")
        return kind, asked_by


page_names: dict[str, str] = {}
"""What pages are called that show records; told at start-up, as audit knows none of them."""


class RecordView(db.Model):  # type: ignore[name-defined]
    """That somebody saw somebody's record: at most one row for each reader, record, page and minute."""

    __tablename__ = "record_view"
    __table_args__ = (
        UniqueConstraint(
            "subject_type", "subject_id", "at", "actor_kind", "actor_id", "what", "session_id",
            name="uq_record_view_once_a_minute", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_record_view_at", "at", "id"),
        Index("ix_record_view_actor", "actor_kind", "actor_id", "at"),
        Index("ix_record_view_session_id", "session_id", "at"),
        Index("ix_record_view_branch_id", "branch_id", "at", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)  # to the minute
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    branch_id: Mapped[int | None]  # where the reader works
    session_id: Mapped[UUID | None]  # the session or API token, so that a stolen one's reads can be told apart
    address: Mapped[str | None] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)  # the page or list
    request_id: Mapped[str | None] = mapped_column(Text)

    @property
    def actor(self) -> tuple[str, str]:
        """Who looked: kind and id."""
        return self.actor_kind, self.actor_id

    @property
    def subject(self) -> tuple[str, str]:
        """Whose record: type and id."""
        return self.subject_type, self.subject_id

    @property
    def words(self) -> str:
        """What was looked at, as people call that page; else ``mpesa_api.query`` is "Mpesa api: query"."""
        return page_names.get(self.what) or self.what.replace(".", ": ").replace("_", " ").capitalize()


# Written by the database's own doors, so nothing maps a class to them and no flush can try to write one.
audit_gate = Table(
    "audit_gate",
    db.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("open_on", Date),  # the first day that is not closed; none before the first was
    CheckConstraint("id = 1", name="only_one"),
)

audit_digest = Table(
    "audit_digest",
    db.metadata,
    Column("event_id", UUIDColumn, primary_key=True),
    Column("filed_on", Date, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index("ix_audit_digest_filed_on", "filed_on", "event_id"),
)

audit_seal = Table(
    "audit_seal",
    db.metadata,
    Column("on_date", Date, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("sealed_by", Text, nullable=False),
)
