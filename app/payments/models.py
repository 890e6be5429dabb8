"""Payments, how each is allocated, how it came to stand where it stands, and what providers told us."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.announcements import announce
from app.kernel.database import EncryptedPhone, EncryptedText, Instant, MoneyCents, db, labelled, uuid_key
from app.kernel.enums import LabelledEnum
from app.kernel.leases import Leased
from app.kernel.money import Money
from app.kernel.phones import Phone
from app.payments.destinations import Purpose
from app.payments.states import Direction, PaymentState, may_move


class Method(LabelledEnum):
    """How the money was asked for or came."""

    PROMPT = "prompt", "M-PESA prompt"
    PAYBILL = "paybill", "M-PESA paybill"


class AllocationState(LabelledEnum):
    """What has become of one share of a payment."""

    INTENDED = "intended", "Intended"
    POSTED = "posted", "Credited"
    SUSPENSE = "suspense", "In suspense"
    MOVED = "moved", "Allocated from suspense"
    REPLACED = "replaced", "Credited otherwise"

    @property
    def counts(self) -> bool:
        """Whether the share is part of the payment's amount in the ledger."""
        return self in (AllocationState.POSTED, AllocationState.SUSPENSE)


class Payment(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One movement of money in either direction on any rail.

    ``due_at`` is when something must next be done about it: send it, ask about it, look for its receipt.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        # I5: one receipt of a provider is one payment, whichever way it was learned.
        UniqueConstraint("rail", "receipt_number"),
        Index("ix_payment_member_id_created_at", "member_id", "created_at", "id"),
        Index("ix_payment_created_at", "created_at", "id", postgresql_where=text("merged_into_id IS NULL")),
        Index("ix_payment_state_created_at", "state", "created_at", "id"),
        Index("ix_payment_paid_at", "paid_at"),
        Index("ix_payment_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "uq_payment_open_prompt",
            "rail",
            "phone_hash",
            unique=True,
            postgresql_where=text(
                "direction = 'in' AND method = 'prompt' AND state IN ('created', 'submitted', 'pending')"
            ),
        ),
        Index("ix_payment_needs_review", "created_at", postgresql_where=text("needs_review IS NOT NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    direction: Mapped[Direction] = mapped_column(labelled(Direction, "direction"))
    rail: Mapped[str]
    method: Mapped[Method] = mapped_column(labelled(Method, "method"))
    amount: Mapped[Money] = mapped_column("amount_cents", MoneyCents)
    state: Mapped[PaymentState] = mapped_column(labelled(PaymentState, "state"))
    state_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    resend_at: Mapped[datetime | None] = mapped_column(Instant)
    sendings: Mapped[int] = mapped_column(default=0, server_default="0")
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id"))
    phone: Mapped[Phone | None] = mapped_column("phone_encrypted", EncryptedPhone)
    phone_hash: Mapped[bytes | None]
    payer: Mapped[str | None] = mapped_column("payer_encrypted", EncryptedText)
    account_reference: Mapped[str]
    receipt_number: Mapped[str | None]
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    clearing_account: Mapped[str | None]
    code: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="", server_default="")
    needs_review: Mapped[str | None]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment.id"))
    requested_by: Mapped[dict[str, Any]] = mapped_column(JSONB)

    allocations: Mapped[list[PaymentAllocation]] = relationship(
        order_by="PaymentAllocation.number", back_populates="payment", lazy="selectin"
    )
    moves: Mapped[list[PaymentMove]] = relationship(order_by="PaymentMove.id", lazy="select", viewonly=True)

    def move_to(
        self, state: PaymentState, *, by: Actor, evidence: str, detail: str = "", code: str | None = None
    ) -> bool:
        """Go to ``state`` if the table of moves allows it from here; the only writer of the state.

        Returns whether it moved. Evidence that changes nothing (a repeat, a late failure) is no error.
        """
        if not may_move(self.state, state, self.direction):
            return False
        db.session.add(
            PaymentMove(
                payment_id=self.id,
                from_state=self.state,
                to_state=state,
                at=clock.now(),
                by=by.as_json(),
                evidence=evidence,
                detail=detail,
                code=code,
            )
        )
        self.state, self.state_at, self.code, self.detail = state, clock.now(), code, detail
        if state.is_closed or state is PaymentState.UNKNOWN:
            announce(f"payment.{state.value}", subject=("payment", self.id), facts=self.facts())
        return True

    def facts(self) -> dict[str, Any]:
        """What other programs are told of it: numbers and states, and nothing about the person."""
        return {
            "payment_id": str(self.id),
            "status": self.state.value,
            "direction": self.direction.value,
            "rail": self.rail,
            "method": self.method.value,
            "amount": self.amount.decimal(),
            "receipt_number": self.receipt_number,
            "member_id": str(self.member_id) if self.member_id else None,
        }

    @property
    def main_share(self) -> PaymentAllocation | None:
        """The share that speaks for it in a list: the first that counts, not one that was moved out of suspense."""
        return next((share for share in self.allocations if share.state.counts), next(iter(self.allocations), None))

    @property
    def age(self) -> timedelta:
        """How long ago it was sent, or created."""
        return clock.now() - (self.submitted_at or self.created_at)

    @property
    def is_late(self) -> bool:
        """Somebody should look: no outcome for a quarter of an hour (I11)."""
        return not self.state.is_closed and self.age > timedelta(minutes=15)


class PaymentAllocation(db.Model):  # type: ignore[name-defined]
    """One share of a payment: what it is for, which account it is credited to, and by which entry."""

    __tablename__ = "payment_allocation"
    __table_args__ = (
        UniqueConstraint("payment_id", "number"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("(state IN ('posted', 'suspense')) <= (entry_id IS NOT NULL)", name="entry"),
        Index("ix_payment_allocation_suspense", "id", postgresql_where=text("state = 'suspense'")),
        Index("ix_payment_allocation_member_account_id", "member_account_id"),
    )

    id: Mapped[UUID] = uuid_key()
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"))
    number: Mapped[int]
    purpose: Mapped[Purpose | None] = mapped_column(labelled(Purpose, "purpose"))
    member_account_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.member_account.id"))
    account_label: Mapped[str] = mapped_column(default="", server_default="")
    amount: Mapped[Money] = mapped_column("amount_cents", MoneyCents)
    state: Mapped[AllocationState] = mapped_column(labelled(AllocationState, "state"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.entry.id"))
    reason: Mapped[str] = mapped_column(default="", server_default="")

    payment: Mapped[Payment] = relationship(back_populates="allocations")

    @property
    def title(self) -> str:
        """What it is for, in words."""
        return self.purpose.label if self.purpose else "Not yet allocated"


class PaymentMove(db.Model):  # type: ignore[name-defined]
    """One step of a payment from state to state: when, on what evidence, by whom. Never changed."""

    __tablename__ = "payment_move"
    __table_args__ = (Index("ix_payment_move_payment_id", "payment_id", "id"),)

    id: Mapped[UUID] = uuid_key()
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"))
    from_state: Mapped[PaymentState | None] = mapped_column(labelled(PaymentState, "from_state"))
    to_state: Mapped[PaymentState] = mapped_column(labelled(PaymentState, "to_state"))
    at: Mapped[datetime] = mapped_column(Instant)
    by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    evidence: Mapped[str]
    detail: Mapped[str]
    code: Mapped[str | None]


class HookAddress(db.Model):  # type: ignore[name-defined]
    """A secret address that we gave a provider, and what it speaks about. Only the secret's keyed hash is kept."""

    __tablename__ = "hook_address"

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    rail: Mapped[str]
    flows: Mapped[str]  # "stk", or "confirm validate"
    subject_id: Mapped[str]  # a payment, or a shortcode's configuration
    created_at: Mapped[datetime] = mapped_column(Instant)


class PaymentCallback(db.Model):  # type: ignore[name-defined]
    """A message of a provider, exactly as it came. Inserted and read, never changed."""

    __tablename__ = "payment_callback"
    __table_args__ = (Index("ix_payment_callback_subject_id", "subject_id", "received_at"),)

    id: Mapped[UUID] = uuid_key()
    rail: Mapped[str]
    flow: Mapped[str]
    subject_id: Mapped[str | None]  # what its secret address speaks about; none: it came without a secret
    body: Mapped[str] = mapped_column("body_encrypted", EncryptedText)
    body_hash: Mapped[bytes]
    source_address: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(Instant)


class CallbackOutcome(LabelledEnum):
    """What was made of a callback."""

    WAITING = "waiting", "Waiting"
    APPLIED = "applied", "Applied"
    REPEATED = "repeated", "Changed nothing"
    FLAGGED = "flagged", "Kept as evidence"
    FAILED = "failed", "Could not be processed"


class CallbackWork(Leased, db.Model):  # type: ignore[name-defined]
    """The work that a stored callback means."""

    __tablename__ = "callback_work"
    __table_args__ = (
        Index("ix_callback_work_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_callback_work_flagged", "callback_id", postgresql_where=text("outcome IN ('flagged', 'failed')")),
    )

    callback_id: Mapped[UUID] = mapped_column(ForeignKey("payment_callback.id"), primary_key=True)
    outcome: Mapped[CallbackOutcome] = mapped_column(
        labelled(CallbackOutcome, "outcome"), default=CallbackOutcome.WAITING
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    detail: Mapped[str] = mapped_column(default="", server_default="")
    processed_at: Mapped[datetime | None] = mapped_column(Instant)
