"""How things look in Kenya."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from app.kernel.money import kes
from app.kernel.phones import Phone
from app.payments.states import PaymentState
from app.web import formats
from tests.harness.clock import SettableClock

LATE_ON_SATURDAY = datetime(2026, 11, 21, 21, 30, 5, tzinfo=UTC)


def test_amounts() -> None:
    assert (formats.money(kes("1234.5")), formats.kes(kes("1234.5"))) == ("1,234.50", "KES 1,234.50")


def test_days_and_instants_are_told_in_nairobi() -> None:
    assert formats.day(date(2026, 11, 2)) == "2 Nov 2026"
    assert formats.weekday(date(2026, 11, 22)) == "Sun 22 Nov 2026"
    assert formats.day(LATE_ON_SATURDAY) == "22 Nov 2026"
    assert formats.when(LATE_ON_SATURDAY) == "22 Nov 2026, 00:30"
    assert formats.clock_time(LATE_ON_SATURDAY) == "00:30:05"


def test_phones() -> None:
    phone = Phone.parse("+254712345678")

    assert (formats.phone(phone), formats.masked(phone)) == ("0712 345 678", "0712 ••• 678")
    assert formats.phone("0712345678") == "0712 345 678"


def test_what_is_missing_is_empty() -> None:
    empty = [formats.money, formats.kes, formats.day, formats.when, formats.clock_time, formats.ago, formats.phone]
    assert {tell(None) for tell in [*empty, formats.masked]} == {""}


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=3, seconds=50), "3 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(hours=30), "1 day ago"),
        (timedelta(days=5), "5 days ago"),
        (timedelta(seconds=-5), "just now"),
    ],
)
def test_how_long_ago(app: Flask, clock: SettableClock, passed: timedelta, words: str) -> None:
    clock.set("2026-11-22T07:45+00:00")

    assert formats.ago(datetime(2026, 11, 22, 7, 45, tzinfo=UTC) - passed) == words


def test_seconds_since_never_run_backwards(app: Flask, clock: SettableClock) -> None:
    clock.set("2026-11-22T07:45+00:00")

    assert formats.seconds_since(datetime(2026, 11, 22, 7, 44, 46, tzinfo=UTC)) == 14
    assert formats.seconds_since(datetime(2026, 11, 22, 7, 46, tzinfo=UTC)) == 0


def test_every_state_of_a_payment_has_a_tone() -> None:
    plain = {state for state in PaymentState if not formats.tone(state)}

    assert plain == {PaymentState.CANCELLED, PaymentState.EXPIRED}
