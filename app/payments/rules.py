"""Decisions about payments: values in, values out."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.kernel.money import Money, total
from app.payments.rails import Outcome
from app.payments.states import PaymentState

FAST_QUESTIONS = tuple(
    timedelta(seconds=s) for s in (25, 55, 85, 115, 145, 175)
)  # mpesa.md 3.5: 20-30 s, then 30 s steps
SLOW_QUESTIONS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
LATER_QUESTIONS = timedelta(hours=1)
FAST_PHASE = timedelta(minutes=3)  # after that a prompt without an outcome is *unknown*
SOUGHT_FOR = timedelta(hours=48)  # pull reaches back 48 hours; what it has not shown by then did not happen
RESEND_AFTER = tuple(timedelta(seconds=s) for s in (5, 15, 30))  # the provider refused before doing anything

_STATE_FOR = {
    Outcome.ACCEPTED: PaymentState.PENDING,
    Outcome.LIVE: PaymentState.PENDING,
    Outcome.PAID: PaymentState.PAID,
    Outcome.FAILED: PaymentState.FAILED,
    Outcome.CANCELLED: PaymentState.CANCELLED,
    Outcome.EXPIRED: PaymentState.EXPIRED,
    Outcome.UNKNOWN: PaymentState.UNKNOWN,
}


def next_question(asked_at: datetime, now: datetime) -> datetime:
    """When to ask the provider again about a payment that was sent at ``asked_at``: growing pauses."""
    for pause in FAST_QUESTIONS + SLOW_QUESTIONS:
        if asked_at + pause > now:
            return asked_at + pause
    return now + LATER_QUESTIONS


def state_after(state: PaymentState, outcome: Outcome, *, age: timedelta) -> PaymentState:
    """The state that an answer speaks for; the table of moves decides whether the payment goes there.

    An answer that settles nothing leaves a prompt *on the phone* for as long as a phone may ring, then *being checked*.
    """
    spoken = _STATE_FOR[outcome]
    if spoken is PaymentState.UNKNOWN and state is PaymentState.PENDING and age <= FAST_PHASE:
        return PaymentState.PENDING
    if spoken is PaymentState.PENDING and age > FAST_PHASE:
        return PaymentState.UNKNOWN
    return spoken


def shares(intended: list[Money], received: Money) -> list[Money] | None:
    """How received money is shared over intended allocations; None when it is not what was asked for."""
    return intended if intended and total(intended) == received else None
