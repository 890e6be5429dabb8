"""The audit trail: rows that the application may add and read, and that nobody may change."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text
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
    )

    id: Mapped[UUID] = uuid_key()
    at: Mapped[datetime] = mapped_column(Instant)
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
