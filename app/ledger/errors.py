"""What the ledger refuses, in words. The doors raise codes of their own (PL…) with facts, which become our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from app.kernel import clock
from app.kernel.errors import Conflict, Missing, Refusal, Trouble
from app.kernel.money import Money


class WrongEntry(AssertionError):
    """Our mistake: lines that no caller may ever hand over."""


class Unbalanced(WrongEntry):
    """Our mistake: debits and credits differ."""


class BooksNotOpen(Conflict):
    """The society's first business day has not been opened."""

    code = "books_not_open"


class DayOver(Conflict):
    """Somebody wants to book on a day that has ended."""

    code = "day_over"


class DateInFuture(Conflict):
    """A date that has not come yet."""

    code = "date_in_future"


class BooksBehind(Trouble):
    """It is a new day, but the business date has not been moved yet. A moment later it will have been."""

    code = "books_behind"


class PeriodClosed(Conflict):
    """The month of this date is closed."""

    code = "period_closed"


class PeriodNotReady(Conflict):
    """A month cannot be opened or closed yet, or any more."""

    code = "period_not_ready"


class DayNotReady(Conflict):
    """A day cannot be sealed yet."""

    code = "day_not_ready"


class LedgerAccountMissing(Missing):
    """The chart has no such account."""

    code = "ledger_account_not_found"


class KeyUsed(Conflict):
    """An idempotency key comes back with other money."""

    code = "entry_key_used"


class BranchClosed(Conflict):
    """There is no such branch, or it is closed."""

    code = "branch_closed"


class BranchNotEmpty(Conflict):
    """A branch cannot be closed while something is kept there."""

    code = "branch_not_empty"


class LedgerAccountRetired(Conflict):
    """The line of the chart is no longer used."""

    code = "ledger_account_retired"


class LedgerAccountInUse(Conflict):
    """A line of the chart cannot be retired while something stands on it or needs it."""

    code = "ledger_account_in_use"


class AccountMissing(Missing):
    """There is no such member account."""

    code = "account_not_found"


class EntryMissing(Missing):
    """There is no such entry."""

    code = "entry_not_found"


class AccountClosed(Conflict):
    """The member account is closed."""

    code = "account_closed"


class BelowFloor(Conflict):
    """There is not enough money that is free."""

    code = "balance_too_low"


class AccountMoved(Conflict):
    """The entry was posted at a branch that the account has left."""

    code = "account_moved"


class AlreadyReversed(Conflict):
    """The entry was reversed before."""

    code = "already_reversed"


class NotReversible(Conflict):
    """The entry belongs to another record and is corrected there."""

    code = "not_reversible"

    def __init__(self, why: str) -> None:
        super().__init__(f"This entry cannot be reversed by hand. {why} No money moved.")


class NumberTaken(Conflict):
    """Another branch, ledger account or member account has this number."""

    code = "number_taken"


class AccountNotEmpty(Conflict):
    """There is still money on the account, or money held."""

    code = "account_not_empty"


class HoldDiffers(Conflict):
    """The same source already holds another amount or account."""

    code = "hold_differs"


class HoldMissing(Missing):
    """Nothing was held for this source."""

    code = "hold_not_found"


NOTHING_MOVED = "No money moved."

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")

_REFUSALS: dict[str, tuple[type[Refusal], str]] = {
    "PL010": (
        BooksNotOpen,
        "The books have not been opened yet. An administrator opens them with `flask ledger open`.",
    ),
    "PL011": (DayOver, "{on} is over; nothing can be booked on it any more. " + NOTHING_MOVED),
    "PL012": (DateInFuture, "{on} has not come yet: the business date is {business_date}. " + NOTHING_MOVED),
    "PL013": (PeriodClosed, "The month of {on} is closed. Use {first_open_day} or later. " + NOTHING_MOVED),
    "PL014": (PeriodNotReady, "Only the month before the first can be opened, and only while no month is closed."),
    "PL015": (PeriodNotReady, "Close the months before {month} first, and seal each of its days."),
    "PL016": (DayNotReady, "{on} cannot be sealed yet: it must be over, and the days before it sealed."),
    "PL020": (LedgerAccountMissing, "The chart of accounts has no account {code}. " + NOTHING_MOVED),
    "PL021": (KeyUsed, "This was already posted with other amounts or accounts. " + NOTHING_MOVED),
    "PL022": (BranchClosed, "There is no such branch, or it is closed. " + NOTHING_MOVED),
    "PL023": (LedgerAccountRetired, "Ledger account {code} is no longer used. " + NOTHING_MOVED),
    "PL024": (AccountMissing, "There is no such member account. " + NOTHING_MOVED),
    "PL025": (AccountClosed, "Account {number} was closed on {closed_on}. " + NOTHING_MOVED),
    "PL026": (BelowFloor, "Account {number} has only {available} free. " + NOTHING_MOVED),
    "PL028": (
        AccountMoved,
        "Account {number} has moved to another branch since; correct it with a new entry there. " + NOTHING_MOVED,
    ),
    "PL027": (AlreadyReversed, "This entry was already reversed. " + NOTHING_MOVED),
    "PL030": (NumberTaken, "Another branch has the code {code}."),
    "PL031": (NumberTaken, "The chart of accounts already has {code}."),
    "PL032": (NumberTaken, "Another account has the number {number}."),
    "PL033": (AccountNotEmpty, "Account {number} is not empty: {balance} on {code}, {held} held. It stays open."),
    "PL034": (HoldDiffers, "Something else is already held for this. Nothing was held."),
    "PL036": (BranchNotEmpty, "The head office cannot be closed."),
    "PL037": (BranchNotEmpty, "{name} stays open: {count} member accounts are kept there. Move or close them first."),
    "PL038": (BranchNotEmpty, "{name} stays open: ledger account {account} still has a balance there."),
    "PL035": (HoldMissing, "Nothing is held for this."),
}

_MISTAKES: dict[str, type[WrongEntry]] = {
    "PL001": WrongEntry,
    "PL002": WrongEntry,
    "PL003": Unbalanced,
    "PL004": WrongEntry,
}

_RACES = {"uq_entry_reverses_id": AlreadyReversed("This entry was already reversed. " + NOTHING_MOVED)}


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what a door raises into our errors; the database's own errors pass."""
    try:
        yield
    except DBAPIError as error:
        meaning = _meaning(error.orig)
        if meaning is None:
            raise
        raise meaning from error


def _meaning(cause: BaseException | None) -> Exception | None:
    if not isinstance(cause, psycopg.Error):
        return None
    code = cause.sqlstate or ""
    if code in _MISTAKES:
        return _MISTAKES[code](f"{cause.diag.message_primary} {cause.diag.message_detail}")
    if code in _REFUSALS:
        return _refusal(code, json.loads(cause.diag.message_detail or "{}"))
    if isinstance(cause, (psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation)):
        return WrongEntry(f"{cause.diag.message_primary} {cause.diag.message_detail}")
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return _RACES.get(cause.diag.constraint_name or "")
    return None


def _refusal(code: str, facts: dict[str, Any]) -> Exception:
    if code == "PL012" and facts["on"] and date.fromisoformat(facts["on"]) <= clock.today_eat():
        return BooksBehind("The new business day is being opened. Nothing was saved; try again in a moment.", **facts)
    kind, sentence = _REFUSALS[code]
    return kind(sentence.format_map({name: _shown(value) for name, value in _as_values(facts).items()}), **facts)


def _as_values(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removesuffix("_cents"): Money(value) if name.endswith("_cents") and value is not None else value
        for name, value in facts.items()
    }


def _shown(value: Any) -> str:
    """Amounts and dates as they are written on every screen."""
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        return f"{date.fromisoformat(value):%-d %b %Y}"
    return str(value)
