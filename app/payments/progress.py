"""How a payment's progress reads on a screen: the steps it has taken and what can be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.payments.models import Payment, PaymentMove
from app.payments.states import PaymentState

S = PaymentState

QUICK_ROUNDS, QUICK_PAUSE_SECONDS = 20, 2
STEADY_ROUNDS, STEADY_PAUSE_SECONDS = 40, 5  # after these the screen stops asking and the SMS tells

_NOW_WORDS = {
    S.CREATED: "Sending",
    S.SUBMITTED: "Sent: waiting for M-PESA",
    S.PENDING: "On the phone: waiting for the PIN",
    S.PAID: "Paid: the receipt is coming",
    S.UNKNOWN: "Being checked with M-PESA",
}

EVIDENCE = {
    "request": "our request",
    "answer": "M-PESA's answer",
    "query": "asking M-PESA",
    "callback": "M-PESA's callback",
    "confirmation": "paybill confirmation",
    "pull": "M-PESA's list of payments",
    "receipt": "an earlier receipt",
    "lease": "our own check",
    "search": "48 hours of searching",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the live status."""

    look: str  # done, now, bad or next
    text: str
    at: datetime | None = None

    def __iter__(self):  # type: ignore[no-untyped-def]  # templates unpack it
        return iter((self.look, self.text, self.at))


def steps(payment: Payment, moves: Sequence[PaymentMove]) -> list[Step]:
    """Sent, on the phone, paid; with what went otherwise in plain words."""
    reached = {move.to_state: move.at for move in moves}
    found = []
    if S.SUBMITTED in reached and payment.state is not S.SUBMITTED:
        found.append(Step("done", "Sent", reached[S.SUBMITTED]))
    if S.PENDING in reached and payment.state is not S.PENDING:
        found.append(Step("done", "Rang on the phone", reached[S.PENDING]))
    if payment.state in _NOW_WORDS:
        found.append(Step("now", _NOW_WORDS[payment.state], payment.state_at))
        return [*found, Step("next", "Paid")]
    if payment.state.has_money:
        return [*found, Step("done", "Paid", payment.paid_at)]
    return [*found, Step("bad", payment.detail or payment.state.label, payment.state_at)]


def pause_seconds(round_: int) -> int | None:
    """How long a screen waits before it asks again, growing; None when it has asked often enough."""
    if round_ < QUICK_ROUNDS:
        return QUICK_PAUSE_SECONDS
    return STEADY_PAUSE_SECONDS if round_ < STEADY_ROUNDS else None
