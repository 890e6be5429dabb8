"""Reading payments: one, the history of a filter, what is open, what is in suspense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import contains_eager

from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import Money
from app.kernel.paging import PAGE_SIZE, Page, keyset
from app.kernel.reach import EVERYWHERE, SOCIETY_WIDE, Whereabouts, Within
from app.members import queries as members
from app.members.models import Member
from app.payments.destinations import Purpose
from app.payments.errors import PaymentMissing
from app.payments.models import (
    AllocationState,
    CallbackOutcome,
    CallbackWork,
    Payment,
    PaymentAllocation,
    PaymentCallback,
)
from app.payments.states import Direction, PaymentState

_PLACE = (Member.branch_id, Member.officer_id, Member.agent_id)
EVIDENCE_SHOWN = 20
LARGEST_COUNT = 10_000  # a filter that finds more is totalled in a report, not while a page waits


def get(payment_id: UUID) -> Payment:
    """One payment; a merged one answers with the payment it became part of. Refuses with PaymentMissing."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise PaymentMissing
    return get(payment.merged_into_id) if payment.merged_into_id else payment


def whereabouts(payment_id: UUID) -> Whereabouts | None:
    """Where a payment belongs: where its member does; nobody's money is the whole society's. None if there is none."""
    row = db.session.execute(
        select(Payment.merged_into_id, Payment.member_id, *_PLACE)
        .outerjoin(Member, Member.id == Payment.member_id)
        .where(Payment.id == payment_id)
    ).one_or_none()
    if row is None:
        return None
    if row.merged_into_id:
        return whereabouts(row.merged_into_id)
    return Whereabouts(*row[2:]) if row.member_id else SOCIETY_WIDE


def share_whereabouts(allocation_id: UUID) -> Whereabouts | None:
    """Where one share of a payment belongs: where the payment does; None if there is none."""
    payment_id = db.session.scalar(select(PaymentAllocation.payment_id).where(PaymentAllocation.id == allocation_id))
    return whereabouts(payment_id) if payment_id else None


def for_update(payment_id: UUID) -> Payment:
    """One payment, locked against everybody else's changes. Refuses with PaymentMissing."""
    payment = db.session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None:
        raise PaymentMissing
    return payment


def by_receipt(rail: str, receipt_number: str) -> Payment | None:
    """The payment that carries a provider's receipt, locked."""
    return db.session.scalar(select(Payment).filter_by(rail=rail, receipt_number=receipt_number).with_for_update())


def allocation_for_update(allocation_id: UUID) -> PaymentAllocation:
    """One share, under the lock of its payment. Refuses with PaymentMissing."""
    payment_id = db.session.scalar(select(PaymentAllocation.payment_id).filter_by(id=allocation_id))
    if payment_id is None:
        raise PaymentMissing
    payment = for_update(payment_id)
    db.session.refresh(payment, ["allocations"])
    return next(share for share in payment.allocations if share.id == allocation_id)


def open_prompt(rail: str, phone_hash: bytes | None) -> UUID | None:
    """A prompt that may be on this phone's screen at this moment."""
    return db.session.scalar(
        select(Payment.id).where(
            Payment.rail == rail,
            Payment.phone_hash == phone_hash,
            Payment.direction == Direction.IN,
            Payment.state.in_([PaymentState.CREATED, PaymentState.SUBMITTED, PaymentState.PENDING]),
        )
    )


def being_checked(member_id: UUID) -> Payment | None:
    """The newest payment of a member that may have been paid without our knowing it yet."""
    return db.session.scalar(
        select(Payment)
        .where(Payment.member_id == member_id, Payment.state.in_([PaymentState.UNKNOWN, PaymentState.PAID]))
        .order_by(Payment.created_at.desc())
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """What a list of payments is narrowed to; empty means all."""

    member_id: UUID | None = None
    purpose: Purpose | None = None
    state: PaymentState | None = None
    rail: str | None = None
    first_on: date | None = None
    last_on: date | None = None
    receipt: str = ""
    needs_review: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL, each served by an index of `payment`."""
        found: list[ColumnElement[bool]] = [Payment.merged_into_id.is_(None)]
        if self.member_id:
            found.append(Payment.member_id == self.member_id)
        if self.state:
            found.append(Payment.state == self.state)
        if self.rail:
            found.append(Payment.rail == self.rail)
        if self.receipt:
            found.append(Payment.receipt_number == self.receipt.upper())
        if self.first_on:
            found.append(Payment.created_at >= _start_of(self.first_on))
        if self.last_on:
            found.append(Payment.created_at < _start_of(self.last_on + timedelta(days=1)))
        if self.needs_review:
            found.append(Payment.needs_review.is_not(None))
        if self.purpose:
            found.append(
                exists().where(PaymentAllocation.payment_id == Payment.id, PaymentAllocation.purpose == self.purpose)
            )
        return found


@dataclass(frozen=True, slots=True)
class FilterTotal:
    """How many payments a filter finds, and how much of them has been received."""

    count: int
    received: Money
    is_complete: bool


def history(
    chosen: PaymentFilter, *, within: Within = EVERYWHERE, after: str | None = None, size: int = 25
) -> Page[Payment]:
    """Payments of a filter, newest first."""
    query: Select[tuple[Payment]] = select(Payment).where(*chosen.conditions(), *_reached(within))
    return keyset(query, by=(Payment.created_at, Payment.id), after=after, size=size)


def members_of(payments: Sequence[Payment]) -> set[UUID]:
    """Whose payments these are, as far as it is known."""
    return {payment.member_id for payment in payments if payment.member_id}


def history_total(chosen: PaymentFilter, *, within: Within = EVERYWHERE) -> FilterTotal:
    """The totals row of a filter, over at most LARGEST_COUNT payments."""
    conditions = [*chosen.conditions(), *_reached(within)]
    found = select(Payment.amount, Payment.state).where(*conditions).limit(LARGEST_COUNT + 1).subquery()
    has_money = found.c.state.in_([PaymentState.SUCCEEDED, PaymentState.SETTLED])
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(found.c.amount).filter(has_money), 0)).select_from(found)
    ).one()
    return FilterTotal(min(row[0], LARGEST_COUNT), Money(_cents(row[1])), row[0] <= LARGEST_COUNT)


def suspense(
    *, within: Within = EVERYWHERE, after: str | None = None, size: int = PAGE_SIZE
) -> Page[PaymentAllocation]:
    """Money that waits to be allocated, newest first."""
    query = (
        select(PaymentAllocation)
        .join(PaymentAllocation.payment)
        .where(PaymentAllocation.state == AllocationState.SUSPENSE, *_reached(within))
        .options(contains_eager(PaymentAllocation.payment).lazyload(Payment.allocations))
    )
    return keyset(query, by=(PaymentAllocation.id,), after=after, size=size)


@dataclass(frozen=True, slots=True)
class Open:
    """Payments of one state that are not at an end: how many, how much, since when."""

    state: PaymentState
    count: int
    amount: Money
    oldest_at: datetime


def open_payments(*, within: Within = EVERYWHERE) -> Sequence[Open]:
    """What is on its way or being checked, by state."""
    rows = db.session.execute(
        select(Payment.state, func.count(), func.sum(Payment.amount), func.min(Payment.created_at))
        .where(Payment.state.in_([state for state in PaymentState if not state.is_closed]), *_reached(within))
        .group_by(Payment.state)
    )
    return [Open(state, count, Money(_cents(amount)), oldest) for state, count, amount, oldest in rows]


def in_suspense(*, within: Within = EVERYWHERE) -> tuple[int, Money, datetime | None]:
    """How many shares wait in suspense, how much, and the oldest."""
    count, amount, oldest_at = db.session.execute(
        select(func.count(), func.coalesce(func.sum(PaymentAllocation.amount), 0), func.min(Payment.created_at))
        .join(PaymentAllocation.payment)
        .where(PaymentAllocation.state == AllocationState.SUSPENSE, *_reached(within))
    ).one()
    return count, Money(_cents(amount)), oldest_at


def received_on(day: date, *, within: Within = EVERYWHERE) -> Sequence[tuple[Purpose | None, int, Money]]:
    """What was received on a day: purpose, number of shares and amount."""
    rows = db.session.execute(
        select(PaymentAllocation.purpose, func.count(), func.sum(PaymentAllocation.amount))
        .join(PaymentAllocation.payment)
        .where(
            Payment.paid_at >= _start_of(day),
            Payment.paid_at < _start_of(day + timedelta(days=1)),
            PaymentAllocation.state.in_([state for state in AllocationState if state.counts]),
            *_reached(within),
        )
        .group_by(PaymentAllocation.purpose)
        .order_by(func.sum(PaymentAllocation.amount).desc())
    )
    return [(purpose, count, Money(_cents(amount))) for purpose, count, amount in rows]


def to_review(*, within: Within = EVERYWHERE) -> int:
    """How many payments a person should look at."""
    waiting = select(func.count()).select_from(Payment).where(Payment.needs_review.is_not(None), *_reached(within))
    return db.session.scalar(waiting) or 0


def evidence() -> Sequence[tuple[PaymentCallback, CallbackWork]]:
    """The newest messages of providers that settled nothing because something about them was wrong."""
    rows = db.session.execute(
        select(PaymentCallback, CallbackWork)
        .join(CallbackWork, CallbackWork.callback_id == PaymentCallback.id)
        .where(CallbackWork.outcome.in_([CallbackOutcome.FLAGGED, CallbackOutcome.FAILED]))
        .order_by(CallbackWork.callback_id.desc())
        .limit(EVIDENCE_SHOWN)
    )
    return [(callback, work) for callback, work in rows]


def _reached(within: Within) -> list[ColumnElement[bool]]:
    """The payments that somebody may have: those of members within reach. Money that is nobody's yet is not among."""
    reached = members.ids(within)
    return [] if reached is None else [Payment.member_id.in_(reached)]


def _start_of(day: date) -> datetime:
    """Midnight in Nairobi."""
    return datetime.combine(day, time(), clock.EAT)


def _cents(value: object) -> int:
    """A sum of cents: PostgreSQL sums BIGINT as numeric, and the column type may have made it Money already."""
    return value.cents if isinstance(value, Money) else int(str(value))
