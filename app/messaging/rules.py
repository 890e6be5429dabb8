"""What follows from a provider's answer, and what a delivery report may change. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.messaging.answers import Answer, Outcome
from app.messaging.states import SmsState

RETRY_PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
)
"""After each definite refusal that may be tried again; after the last the text is given up."""

TEXTS_A_DAY = 20
"""How many texts one phone gets in a day, apart from those that go with money: a flood costs money, and trust."""

HOLD_PAUSE = timedelta(minutes=5)
"""While our account with the provider is not in order, one text tries again after each such pause; the rest wait."""

_REPORTED: Mapping[str, tuple[SmsState, str | None]] = {
    "sent": (SmsState.SENT, None),
    "submitted": (SmsState.SENT, None),
    "buffered": (SmsState.SENT, "The mobile network keeps it until the phone can be reached"),
    "success": (SmsState.DELIVERED, None),
    "failed": (SmsState.FAILED, "The mobile network could not deliver it"),
    "rejected": (SmsState.FAILED, "The mobile network rejected it"),
    "absentsubscriber": (SmsState.FAILED, "The phone could not be reached"),
    "expired": (SmsState.FAILED, "The phone could not be reached in time"),
}

_REASONS: Mapping[str, str] = {
    "insufficientcredit": "The SMS account has run out of credit",
    "invalidlinkid": "The provider refused its link",
    "userisinactive": "The number is not active",
    "userinblacklist": "The member has blocked our texts",
    "useraccountsuspended": "The number is suspended by its network",
    "notnetworksubscriber": "The number is not on this network",
    "usernotsubscribedtoproduct": "The number does not take this kind of text",
    "userdoesnotexist": "The number does not exist",
    "deliveryfailure": "The mobile network could not deliver it",
}


@dataclass(frozen=True, slots=True)
class Next:
    """Where a text goes from *sending*. ``due_at``: when it is to be tried again."""

    state: SmsState
    detail: str | None = None
    due_at: datetime | None = None
    is_held: bool = False


def after(answer: Answer, *, attempts: int, at: datetime, useful_until: datetime) -> Next:
    """What an answer to attempt number ``attempts`` leads to."""
    if answer.outcome is Outcome.ACCEPTED:
        return Next(SmsState.SENT)
    if answer.outcome is Outcome.UNKNOWN:
        return Next(SmsState.UNKNOWN, f"{answer.detail}. It is not sent again.")
    if answer.outcome is Outcome.REFUSED:
        return Next(SmsState.FAILED, answer.detail)

    is_held = answer.outcome is Outcome.HOLD
    pause = _pause(attempts, is_held=is_held)
    if pause is None or at + pause > useful_until:
        return Next(SmsState.FAILED, f"{answer.detail}. Given up after {attempts} attempts.")
    return Next(SmsState.QUEUED, answer.detail, due_at=at + pause, is_held=is_held)


def read_report(status: str, reason: str | None) -> tuple[SmsState, str | None] | None:
    """What a delivery report says, or None when it says nothing that we know."""
    found = _REPORTED.get(status.lower())
    if found is None or found[0] is not SmsState.FAILED:
        return found
    return SmsState.FAILED, _REASONS.get((reason or "").lower(), found[1])


def _pause(attempts: int, *, is_held: bool) -> timedelta | None:
    if is_held:
        return HOLD_PAUSE
    return RETRY_PAUSES[attempts - 1] if attempts <= len(RETRY_PAUSES) else None
