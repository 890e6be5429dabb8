"""On which days the society works: the public calendar of Kenya, and what the society decides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.transactions import in_transaction
from app.society import calendar, service
from app.society.errors import DayMissing
from app.society.schemas import NewDay

BY = Actor.system("tests")


def day(text: str) -> date:
    return date.fromisoformat(text)


def decide(on: str, *, works: bool = False, reason: str = "Board minute 9/2026") -> None:
    values = NewDay(on_date=day(on), is_working=works, reason=reason)
    in_transaction(lambda: service.add_day(values, on=clock.business_date(), by=BY))


# From the Public Holidays Act and the Constitution, article 9: 12 December 2027 is a Sunday and is kept on the Monday.
@pytest.mark.parametrize(
    ("on", "works"),
    [
        ("2026-11-23", True),  # a Monday
        ("2026-11-21", False),  # a Saturday
        ("2026-11-22", False),  # a Sunday
        ("2026-12-25", False),
        ("2027-06-01", False),  # Madaraka Day, a Tuesday
        ("2027-10-20", False),  # Mashujaa Day
        ("2027-12-13", False),  # Jamhuri Day, observed
        ("2027-12-14", True),
    ],
)
def test_the_society_works_on_weekdays_that_are_no_holidays(books: Flask, on: str, works: bool) -> None:
    assert calendar.is_working_day(day(on)) is works


def test_what_the_society_decides_wins(books: Flask) -> None:
    decide("2026-11-28", works=True, reason="Saturday before school fees are due")
    decide("2026-11-30", reason="General meeting")

    assert [calendar.is_working_day(day(on)) for on in ("2026-11-28", "2026-11-30")] == [True, False]


def test_the_next_working_day_skips_holidays_weekends_and_closures(books: Flask) -> None:
    decide("2026-12-28", reason="Stocktaking")

    # Friday is Christmas, Saturday Boxing Day, Sunday; Monday is closed by the society.
    assert calendar.next_working_day(day("2026-12-25")) == day("2026-12-29")
    assert calendar.next_working_day(day("2026-12-29")) == day("2026-12-29")
    assert calendar.previous_working_day(day("2026-12-28")) == day("2026-12-24")


def test_a_year_lists_public_holidays_and_what_was_decided_in_their_place(books: Flask) -> None:
    decide("2026-12-12", works=True, reason="Harambee open day")

    listed = {special.on: special for special in calendar.year(2026)}

    assert listed[day("2026-12-25")].name == "Christmas Day"
    assert (listed[day("2026-12-12")].is_working, listed[day("2026-12-12")].is_ours) == (True, True)
    assert listed[day("2026-12-12")].name == "Harambee open day"


def test_only_a_day_to_come_is_decided_and_only_once(books: Flask) -> None:
    decide("2026-12-24")

    for on in ("2026-11-22", "2026-11-21", "2026-12-24"):
        with pytest.raises(Invalid):
            decide(on)


def test_a_decision_is_taken_back_until_its_day_comes(books: Flask) -> None:
    decide("2026-11-30")
    decide("2026-12-01")
    in_transaction(lambda: service.take_back_day(day("2026-12-01"), on=day("2026-11-30"), by=BY))

    assert calendar.is_working_day(day("2026-12-01"))
    with pytest.raises(Invalid):
        in_transaction(lambda: service.take_back_day(day("2026-11-30"), on=day("2026-11-30"), by=BY))
    with pytest.raises(DayMissing):
        in_transaction(lambda: service.take_back_day(day("2026-12-01"), on=day("2026-11-30"), by=BY))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)  # it only reads
@given(on=st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_the_next_working_day_is_never_before_and_never_far(app: Flask, on: date) -> None:
    found = calendar.next_working_day(on)

    assert on <= found <= on + timedelta(days=7)
    assert calendar.is_working_day(found)
