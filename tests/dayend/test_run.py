"""Rolling and closing: missed days one by one, each step once, and on after an interruption."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from app.dayend import queries as dayend
from app.dayend import steps
from app.dayend.errors import DayNotOver
from app.dayend.models import DayStep
from app.dayend.run import Run, run
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Trouble
from app.kernel.money import kes
from app.ledger import queries, service
from app.ledger.errors import BooksNotOpen
from app.ledger.service import Cause, credit, debit
from tests.harness.clock import SettableClock
from tests.ledger.book import Book, differences

ASKED_BY = "staff:42"
MARCH_31 = date(2026, 3, 31)
APRIL_1 = date(2026, 4, 1)


@pytest.fixture
def book(app: Flask, clock: SettableClock) -> Book:
    """Books opened at noon of 31 March 2026."""
    clock.set("2026-03-31T12:00+03:00")
    return Book()


@pytest.fixture
def add_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, steps.Work], None]:
    """Add a step for this test only."""
    monkeypatch.setattr(steps, "_added", {})
    return lambda name, work: steps.add(name, name.title(), work)


def test_at_midnight_the_day_is_rolled_and_sealed(book: Book, clock: SettableClock) -> None:
    book.deposit(book.savings(), kes("100"))
    clock.set("2026-04-01T00:00+03:00")

    done = run(asked_by=ASKED_BY)

    assert done.rolled == [MARCH_31]
    assert [(day.on, [step.step for step in day.steps]) for day in done.days] == [
        (MARCH_31, ["audit_close", "audit_seal", "seal"])
    ]
    assert queries.business_date() == APRIL_1
    assert queries.seal_of(MARCH_31).entry_count == 1
    assert done.days[0].steps[-1].summary.startswith("1 entries, KES 100.00 debited; seal ")


def test_before_midnight_there_is_nothing_to_do(book: Book, clock: SettableClock) -> None:
    clock.set("2026-03-31T23:59:59+03:00")

    assert run(asked_by=ASKED_BY) == Run()
    assert queries.business_date() == MARCH_31


def test_missed_days_are_caught_up_one_by_one(book: Book, clock: SettableClock) -> None:
    clock.set("2026-04-03T08:00+03:00")

    done = run(asked_by=ASKED_BY)

    assert done.rolled == [MARCH_31, APRIL_1, date(2026, 4, 2)]
    assert [day.on for day in done.days] == done.rolled
    assert [day.state for day in queries.days(latest=9)] == ["open", "sealed", "sealed", "sealed"]
    assert differences() == []


def test_running_again_changes_nothing(book: Book, clock: SettableClock) -> None:
    clock.set("2026-04-01T00:00+03:00")
    run(asked_by=ASKED_BY)
    sealed = queries.seal_of(MARCH_31)

    assert run(asked_by=ASKED_BY) == Run()
    again = run(until=MARCH_31, asked_by=ASKED_BY)

    assert {step.before for step in again.days[0].steps} == {True}
    assert queries.seal_of(MARCH_31) == sealed


def test_a_day_that_is_not_over_is_not_closed(book: Book) -> None:
    with pytest.raises(DayNotOver, match="31 Mar 2026 is not over"):
        run(until=MARCH_31, asked_by=ASKED_BY)


def test_there_is_nothing_to_close_before_the_books_are_open(app: Flask) -> None:
    with pytest.raises(BooksNotOpen):
        run(asked_by=ASKED_BY)


def test_a_step_books_on_the_day_that_is_closed(
    book: Book, clock: SettableClock, add_step: Callable[[str, steps.Work], None]
) -> None:
    account = book.savings()

    def accrue(on: date, by: Actor) -> str:
        service.post(
            [
                debit("5020", kes("3"), branch=book.hq),
                credit("2110", kes("3"), branch=book.hq, member_account=account),
            ],
            on=on,
            booked_on=on,
            cause=Cause("accrual", on.isoformat()),
            key=f"accrual:{on}",
            by=by,
            description="Interest of the day",
        )
        return "1 account"

    add_step("accrue", accrue)
    clock.set("2026-04-02T00:00+03:00")

    done = run(asked_by=ASKED_BY)

    assert [[step.step for step in day.steps] for day in done.days] == [["accrue", "seal"]] * 2
    assert queries.balance(account) == kes("6")
    (entry,) = queries.entries_of(Cause("accrual", "2026-03-31"))
    head = queries.entry(entry)
    assert (head.booked_on, head.value_on, head.actor_id) == (MARCH_31, MARCH_31, "dayend")
    assert differences() == []


def test_a_failing_step_stops_the_close_but_not_the_date(
    book: Book, clock: SettableClock, add_step: Callable[[str, steps.Work], None]
) -> None:
    broken = True
    ran: list[str] = []

    def first(on: date, by: Actor) -> str:
        ran.append("first")
        return "done"

    def second(on: date, by: Actor) -> str:
        if broken:
            raise Trouble("The bank's statement has not come.")
        return "done at last"

    add_step("first", first)
    add_step("second", second)
    clock.set("2026-04-01T00:00+03:00")

    with pytest.raises(Trouble):
        run(asked_by=ASKED_BY)

    assert queries.business_date() == APRIL_1
    day = dayend.latest_days()[1]
    assert (day.state, day.is_running) == ("closing", False)
    assert [(step.label, step.state, step.summary) for step in day.steps] == [
        ("First", "done", "done"),
        ("Second", "failed", "The bank's statement has not come."),
        ("Daily totals and seal", "waiting", ""),
    ]

    broken = False
    done = run(asked_by=ASKED_BY)

    assert [(step.step, step.before) for step in done.days[0].steps] == [
        ("first", True),
        ("second", False),
        ("seal", False),
    ]
    assert ran == ["first"]
    assert queries.day_state(MARCH_31) == "sealed"


def test_a_mistake_of_ours_is_noted_without_its_details(
    book: Book, clock: SettableClock, add_step: Callable[[str, steps.Work], None]
) -> None:
    def broken(on: date, by: Actor) -> str:
        raise ZeroDivisionError("secret details")

    add_step("broken", broken)
    clock.set("2026-04-01T00:00+03:00")

    with pytest.raises(ZeroDivisionError):
        run(asked_by=ASKED_BY)

    summary = db.session.scalars(select(DayStep.summary)).one()
    assert "engineers" in summary and "secret" not in summary


def test_the_seal_is_the_only_seal() -> None:
    with pytest.raises(AssertionError):
        steps.add("seal", "Another", lambda on, by: "")


def test_two_runs_at_once_do_each_step_once(
    committed_app: Flask, clock: SettableClock, add_step: Callable[[str, steps.Work], None]
) -> None:
    clock.set("2026-03-31T12:00+03:00")
    with committed_app.app_context():
        book = Book()
        account = book.savings()

    def pay(on: date, by: Actor) -> str:
        service.post(
            [
                debit("5020", kes("1"), branch=book.hq),
                credit("2110", kes("1"), branch=book.hq, member_account=account),
            ],
            on=on,
            booked_on=on,
            cause=Cause("accrual", on.isoformat()),
            key=f"accrual:{on}:{threading.get_ident()}",  # a second run would not be stopped by the ledger's key
            by=by,
            description="Once",
        )
        return ""

    add_step("pay", pay)
    clock.set("2026-04-03T00:00+03:00")
    barrier = threading.Barrier(3)

    def close() -> None:
        with committed_app.app_context():
            barrier.wait()
            run(asked_by=ASKED_BY)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(close) for _ in range(3)]:
            done.result()

    with committed_app.app_context():
        assert queries.balance(account) == kes("3")
        assert queries.business_date() == date(2026, 4, 3)
        assert differences() == []
