"""Where a payment may stand, and the one table of moves between states. Draws the picture in the developer's guide."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class Direction(LabelledEnum):
    """Which way money moves, seen from the society."""

    IN = "in", "Money in"
    OUT = "out", "Money out"


class PaymentState(LabelledEnum):
    """Where a payment stands, in words for staff."""

    CREATED = "created", "Being sent"
    SUBMITTED = "submitted", "Sent"
    PENDING = "pending", "On the phone"
    PAID = "paid", "Paid, receipt coming"
    UNKNOWN = "unknown", "Being checked"
    SUCCEEDED = "succeeded", "Paid"
    SETTLED = "settled", "Settled"
    REVERSED = "reversed", "Reversed"
    FAILED = "failed", "Not paid"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "No answer"

    @property
    def is_closed(self) -> bool:
        """A screen may stop asking; news may still come for money in."""
        return self in _CLOSED

    @property
    def has_money(self) -> bool:
        """The money is in the ledger."""
        return self in (PaymentState.SUCCEEDED, PaymentState.SETTLED)

    @property
    def may_have_moved(self) -> bool:
        """Nobody knows yet whether the provider moved money."""
        return self in (PaymentState.SUBMITTED, PaymentState.PENDING, PaymentState.UNKNOWN)

    @property
    def awaits_receipt(self) -> bool:
        """The provider's receipt, if there is one, is being sought."""
        return self in (PaymentState.PAID, PaymentState.UNKNOWN)

    def is_certain(self, direction: Direction) -> bool:
        """Nothing can change it any more."""
        return not moves_from(self, direction)


S = PaymentState

_CLOSED = frozenset({S.SUCCEEDED, S.SETTLED, S.REVERSED, S.FAILED, S.CANCELLED, S.EXPIRED})
_OUTCOMES = frozenset({S.PAID, S.SUCCEEDED, S.FAILED, S.CANCELLED, S.EXPIRED})

MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    S.CREATED: frozenset({S.SUBMITTED, S.CANCELLED, S.FAILED, S.SUCCEEDED}),
    S.SUBMITTED: _OUTCOMES | {S.PENDING, S.UNKNOWN},
    S.PENDING: _OUTCOMES | {S.UNKNOWN},
    S.PAID: frozenset({S.SUCCEEDED}),
    S.UNKNOWN: _OUTCOMES | {S.PENDING},
    S.SUCCEEDED: frozenset({S.SETTLED, S.REVERSED}),
    S.SETTLED: frozenset({S.REVERSED}),
    S.REVERSED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}

LATE_MONEY_IN: dict[PaymentState, frozenset[PaymentState]] = {
    S.FAILED: frozenset({S.PAID, S.SUCCEEDED}),
    S.CANCELLED: frozenset({S.PAID, S.SUCCEEDED}),
    S.EXPIRED: frozenset({S.PAID, S.SUCCEEDED}),
}
"""A provider may report success after it reported failure; money that came in is never refused."""


def moves_from(state: PaymentState, direction: Direction) -> frozenset[PaymentState]:
    """Where a payment may go from here. *Paid* (no receipt yet) exists for money in only."""
    if direction is Direction.IN:
        return MOVES[state] | LATE_MONEY_IN.get(state, frozenset())
    return MOVES[state] - {S.PAID}


def may_move(state: PaymentState, to: PaymentState, direction: Direction) -> bool:
    """Whether evidence of ``to`` changes a payment that stands at ``state``."""
    return to in moves_from(state, direction)
