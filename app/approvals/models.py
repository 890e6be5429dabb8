"""Tables of the room: what waits for a second person, what was said about it, how many people decide, who stands in."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.approvals.states import MOVES, ApprovalState, Verdict
from app.kernel import clock
from app.kernel.database import EncryptedText, Instant, MoneyCents, created_at, db, labelled, uuid_key
from app.kernel.money import Money


class Approval(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One command, exactly as it was asked for, and what became of it.

    Once written, only its state moves; a trigger refuses everything else. The inputs may name people, so they are
    encrypted; their hash is not, and is compared before they are used.
    """

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("id", "maker"),  # so that a decision can be held to another person than this one
        CheckConstraint("decided_by <> maker", name="two_people"),
        CheckConstraint("octet_length(inputs_hash) = 32", name="inputs_hash"),
        CheckConstraint("persons BETWEEN 0 AND 2", name="persons"),
        CheckConstraint("amount_cents >= 0", name="amount"),
        CheckConstraint("(subject_type IS NULL) = (subject_id IS NULL)", name="subject"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("state <> 'approved' OR persons = 0 OR decided_by IS NOT NULL", name="approved_by_somebody"),
        CheckConstraint("state <> 'refused' OR decided_by IS NOT NULL", name="refused_by_somebody"),
        Index("ix_approval_waiting", "id", postgresql_where="state = 'waiting'"),
        Index("ix_approval_expires_at", "expires_at", postgresql_where="state = 'waiting'"),
        Index("ix_approval_maker", "maker", "id"),
        Index("ix_approval_subject", "subject_type", "subject_id", postgresql_where="subject_id IS NOT NULL"),
    )

    id: Mapped[UUID] = uuid_key()
    command: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(EncryptedText)
    # Read only where needed: a value that somebody altered must not keep a whole list from being shown.
    inputs: Mapped[str] = mapped_column(EncryptedText, deferred=True)
    inputs_hash: Mapped[bytes] = mapped_column(LargeBinary)
    asked_effect: Mapped[str] = mapped_column(EncryptedText, deferred=True)
    reason: Mapped[str] = mapped_column(EncryptedText)
    subject_type: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[str | None] = mapped_column(Text)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.branch.id"))
    officer_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    amount: Mapped[Money | None] = mapped_column("amount_cents", MoneyCents)
    persons: Mapped[int]
    maker: Mapped[str] = mapped_column(Text)  # an actor's principal: staff:0198…
    asked_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[ApprovalState] = mapped_column(labelled(ApprovalState, "state"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(Text)  # whose word was the last
    result: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]

    decisions: Mapped[list[Decision]] = relationship(
        order_by="Decision.id", lazy="raise", primaryjoin="Approval.id == Decision.approval_id", viewonly=True
    )

    @property
    def subject(self) -> tuple[str, str] | None:
        """The record it is about."""
        return (self.subject_type, self.subject_id) if self.subject_type and self.subject_id else None

    @property
    def key(self) -> str:
        """The idempotency key of what it does."""
        return f"approval:{self.id}"

    def is_overdue(self, instant: datetime) -> bool:
        """Whether it has waited too long."""
        return self.state.is_open and instant >= self.expires_at

    def move_to(self, state: ApprovalState, *, by: str | None = None, result: str | None = None) -> None:
        """The only writer of the state; ``by`` is the principal whose word ended it, if it was decided."""
        assert state in MOVES[self.state], f"an approval does not move from {self.state} to {state}"
        self.state, self.ended_at, self.decided_by, self.result = state, clock.now(), by, result
        self.version += 1


class Decision(db.Model):  # type: ignore[name-defined]
    """What one checker said. Of two who are needed each has a right of his own."""

    __tablename__ = "approval_decision"
    __table_args__ = (
        ForeignKeyConstraint(["approval_id", "maker"], ["approval.id", "approval.maker"]),
        UniqueConstraint("approval_id", "checker"),
        UniqueConstraint("approval_id", "authority"),
        CheckConstraint("checker <> maker AND authority <> maker", name="two_people"),
        CheckConstraint("verdict <> 'refuse' OR note IS NOT NULL", name="note"),
        Index("uq_approval_decision_refusal", "approval_id", unique=True, postgresql_where="verdict = 'refuse'"),
    )

    id: Mapped[UUID] = uuid_key()
    approval_id: Mapped[UUID]
    maker: Mapped[str] = mapped_column(Text)
    checker: Mapped[str] = mapped_column(Text)
    authority: Mapped[str] = mapped_column(Text)  # whose right it was: the checker's, or that of somebody who is away
    verdict: Mapped[Verdict] = mapped_column(labelled(Verdict, "verdict"))
    note: Mapped[str | None] = mapped_column(EncryptedText)
    decided_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def in_the_place_of(self) -> str | None:
        """Who lent the right, if it was lent."""
        return self.authority if self.authority != self.checker else None


class Remark(db.Model):  # type: ignore[name-defined]
    """Why an approved command was not done: what was refused when it ran. It still waits."""

    __tablename__ = "approval_remark"
    __table_args__ = (Index("ix_approval_remark_approval_id", "approval_id", "id"),)

    id: Mapped[UUID] = uuid_key()
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"))
    code: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(EncryptedText)
    noted_by: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime] = mapped_column(Instant)


class ApprovalRule(db.Model):  # type: ignore[name-defined]
    """What the board decided for a command, from a day on. Only ever added to; the latest that has begun holds."""

    __tablename__ = "approval_rule"
    __table_args__ = (
        UniqueConstraint("command", "starts_on"),
        CheckConstraint("one_from_cents >= 0", name="one_from"),
        CheckConstraint("two_from_cents >= one_from_cents", name="two_from"),
        CheckConstraint("days BETWEEN 1 AND 90", name="days"),
        CheckConstraint("btrim(decision) <> ''", name="decision"),
    )

    id: Mapped[UUID] = uuid_key()
    command: Mapped[str] = mapped_column(Text)
    starts_on: Mapped[date]
    one_from: Mapped[Money] = mapped_column("one_from_cents", MoneyCents)
    two_from: Mapped[Money | None] = mapped_column("two_from_cents", MoneyCents)
    days: Mapped[int]
    decision: Mapped[str] = mapped_column(Text)  # the minute or circular that says so
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at()


class Delegation(db.Model):  # type: ignore[name-defined]
    """That somebody who is away lends the right to decide to somebody else, for some days."""

    __tablename__ = "approval_delegation"
    __table_args__ = (
        CheckConstraint("lender_id <> stand_in_id", name="two_people"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
        CheckConstraint("cardinality(commands) > 0", name="commands"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        Index("ix_approval_delegation_stand_in_id", "stand_in_id", postgresql_where="revoked_at IS NULL"),
        Index("ix_approval_delegation_lender_id", "lender_id"),
    )

    id: Mapped[UUID] = uuid_key()
    lender_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    stand_in_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    commands: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  # none: all that the lender may decide
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at()
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_by: Mapped[str | None] = mapped_column(Text)

    def covers(self, command: str) -> bool:
        """Whether it lends the right to decide this."""
        return self.commands is None or command in self.commands

    def is_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.revoked_at is None and self.starts_on <= day <= self.ends_on
