"""The only reader of time. Instants are UTC with a zone; what a member or accountant dates is a business date.

``create_app(clock=…)`` may swap the clock, so a test can live on any day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

from flask import current_app

EAT = timezone(timedelta(hours=3), "EAT")  # Africa/Nairobi: UTC+3, no daylight saving

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def now() -> datetime:
    """This instant."""
    clock: Clock = current_app.extensions["clock"]
    return clock()


def business_date() -> date:
    """The society's current day: a row moved by the roll at midnight, not the machine's date.

    The ledger keeps it and is bound here by ``create_app``.
    """
    reader: Callable[[], date] = current_app.extensions["business_date"]
    return reader()


def today_eat() -> date:
    """The calendar day in Nairobi; the roll moves the business date towards it."""
    return eat(now()).date()


def eat(instant: datetime) -> datetime:
    """The same instant on Nairobi's clock."""
    return instant.astimezone(EAT)
