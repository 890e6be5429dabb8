"""The close of day by the clock, by the button and by the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.dayend import jobs
from app.kernel import doorbell
from app.kernel.database import db
from app.ledger import queries
from tests.harness.apps import apart
from tests.harness.clock import SettableClock
from tests.ledger.book import Book

SignedIn = Callable[[str], FlaskClient]


@pytest.fixture
def book(app: Flask, clock: SettableClock) -> Book:
    """Books opened at noon of 31 March 2026; now it is five past midnight."""
    clock.set("2026-03-31T12:00+03:00")
    opened = Book()
    clock.set("2026-04-01T00:05+03:00")
    return opened


def in_a_worker(app: Flask, work: Callable[[], object]) -> None:
    def run() -> None:
        with app.app_context():
            work()

    apart(run)


def test_midnight_rolls_and_closes(app: Flask, book: Book) -> None:
    in_a_worker(app, jobs.midnight)

    assert queries.business_date() == date(2026, 4, 1)
    assert queries.day_state(date(2026, 3, 31)) == "sealed"


def test_before_the_first_day_midnight_passes_quietly(app: Flask) -> None:
    in_a_worker(app, jobs.midnight)

    assert list(jobs.late_roll()) == []
    assert not queries.books_are_open()


def test_a_roll_that_midnight_missed_is_found(app: Flask, book: Book) -> None:
    assert list(jobs.late_roll()) == [("dayend.run", ("system:scheduler",))]

    in_a_worker(app, lambda: doorbell.answer("dayend.run", "system:scheduler"))

    assert list(jobs.late_roll()) == []


def test_the_page_shows_how_far_the_last_days_are(signed_in: SignedIn, book: Book) -> None:
    admin = signed_in("administrator")

    page = admin.get("/dayend").text

    assert "The business date is <b>31 Mar 2026</b>" in page
    assert "Open" in page


def test_the_button_rings_for_the_close_and_leaves_a_trace(app: Flask, signed_in: SignedIn, book: Book) -> None:
    admin = signed_in("administrator")

    answer = admin.post("/dayend/run")

    assert (answer.status_code, answer.location) == (303, "/dayend")
    assert doorbell.queue("default").count == 1
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "dayend.run_asked")).one()
    assert event.subject_id == "2026-03-31"

    asked_by = f"{event.actor_kind}:{event.actor_id}"
    in_a_worker(app, lambda: doorbell.answer("dayend.run", asked_by))
    assert "Sealed" in admin.get("/dayend").text


def test_htmx_gets_the_days_alone(signed_in: SignedIn, book: Book) -> None:
    admin = signed_in("administrator")

    fragment = admin.post("/dayend/run", headers={"HX-Request": "true"}).text

    assert fragment.lstrip().startswith('<section id="dayend-days"')
    assert "<html" not in fragment


def test_a_day_that_is_being_closed_is_asked_for_again(signed_in: SignedIn, book: Book) -> None:
    book.roll()
    admin = signed_in("administrator")

    assert 'hx-trigger="every 3s"' in admin.get("/dayend").text
    book.seal()
    assert 'hx-trigger="every 3s"' not in admin.get("/dayend").text


def test_the_page_says_when_the_books_are_not_open(app: Flask, signed_in: SignedIn) -> None:
    assert "The books are not open yet" in signed_in("administrator").get("/dayend").text


def test_a_teller_does_not_close_the_day(signed_in: SignedIn, book: Book) -> None:
    teller = signed_in("teller")

    assert teller.get("/dayend").status_code == 403
    assert teller.post("/dayend/run").status_code == 403
    assert doorbell.queue("default").count == 0


def command(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["dayend", "run", *words])
    return result.exit_code, result.output


@pytest.fixture
def society(committed_app: Flask, clock: SettableClock) -> Flask:
    """A committed society two days behind."""
    clock.set("2026-03-31T12:00+03:00")
    with committed_app.app_context():
        Book()
    clock.set("2026-04-02T09:00+03:00")
    return committed_app


def test_the_command_closes_and_tells_a_program(society: Flask) -> None:
    code, output = command(society, "--json")

    report = json.loads(output)
    assert code == 0
    assert (report["ok"], report["business_date"]) == (True, "2026-04-02")
    assert report["rolled"] == ["2026-03-31", "2026-04-01"]
    assert [(day["on"], day["steps"][-1]["step"], day["steps"][-1]["done_before"]) for day in report["days"]] == [
        ("2026-03-31", "seal", False),
        ("2026-04-01", "seal", False),
    ]

    code, output = command(society, "--json")
    assert (code, json.loads(output)["days"]) == (0, [])


def test_the_command_closes_up_to_a_date_and_tells_a_person(society: Flask) -> None:
    code, output = command(society, "--date", "2026-03-31")

    assert code == 0
    assert "2026-03-31 seal: 0 entries, KES 0.00 debited" in output
    assert "The business date is 2026-04-02." in output
    code, output = command(society, "--date", "2026-03-31")
    assert "2026-03-31 seal (before): 0 entries" in output


def test_the_command_refuses_a_day_that_is_not_over(society: Flask) -> None:
    code, output = command(society, "--date", "2026-04-02", "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "day_not_over"

    code, output = command(society, "--date", "2026-04-02")
    assert code == 1
    assert "2 Apr 2026 is not over" in output
