"""Who looked at whose record is on record: with every page, list, search and endpoint that shows one."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response, g
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app import audit
from app.audit import reads
from app.audit.models import RecordView
from app.identity import queries as identity
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.web.reads import known_arguments, shown
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.members import examples

SignedIn = Callable[[str], FlaskClient]

NOBODYS = {
    "allocation_id", "approval_id", "branch_code", "code", "command_name", "delegation_id", "delivery_id",
    "document_id", "entry_id", "export_id", "file_id", "filename", "flow", "invitation", "kind", "language",
    "name", "on", "payment_reference", "product_id", "role_code", "secret", "session_id", "staff_id", "step",
    "subscription_id", "tariff_id", "text_name", "token_id",
}  # fmt: skip
"""Arguments of addresses that name no member's record, or whose view says itself whose record it shows."""


@pytest.fixture
def books(app: Flask) -> Flask:
    examples.open_books()
    return app


def seen() -> list[tuple[str, str]]:
    """Whose record, on which page."""
    rows = db.session.execute(select(RecordView.subject_id, RecordView.what).order_by(RecordView.id))
    return [(row.subject_id, row.what) for row in rows]


def test_every_argument_of_an_address_leads_to_somebodys_record_or_to_nobodys(app: Flask) -> None:
    arguments = {name for rule in app.url_map.iter_rules() for name in rule.arguments}

    unknown = arguments - known_arguments() - NOBODYS
    assert unknown == set(), "tell app/web/owners.py whose record these lead to, or add them to NOBODYS"


@pytest.mark.parametrize("page", ["", "/money", "/savings", "/activity", "/edit", "/status"])
def test_each_page_about_a_member_is_on_record(books: Flask, page: str) -> None:
    mary, jane = examples.register(), hire("administrator")
    client = signed_in_client(books, jane)

    assert client.get(f"/members/{mary}{page}").status_code == 200

    row = db.session.scalars(select(RecordView)).one()
    assert (row.subject, row.actor) == (("member", str(mary)), ("staff", str(jane)))
    assert (row.channel, row.address) == ("web", "127.0.0.1")
    assert row.session_id == identity.open_sessions(jane)[0].id
    assert row.request_id is not None


def test_looking_again_within_a_minute_adds_nothing(books: Flask, signed_in: SignedIn, clock: SettableClock) -> None:
    mary, client = examples.register(), signed_in("officer")
    clock.forward(seconds=0)
    clock.set(clock().replace(second=10))
    for _ in range(3):
        client.get(f"/members/{mary}")
    assert len(seen()) == 1

    clock.forward(minutes=1)
    client.get(f"/members/{mary}")

    assert len(seen()) == 2


def test_another_session_of_the_same_person_is_told_apart(books: Flask) -> None:
    mary, jane = examples.register(), hire("administrator")
    for _ in range(2):
        signed_in_client(books, jane).get(f"/members/{mary}")

    assert len(set(db.session.scalars(select(RecordView.session_id)))) == 2


def test_lists_and_searches_name_everybody_they_show(books: Flask, signed_in: SignedIn) -> None:
    members = {str(examples.register(last_name=name)) for name in ("Otieno", "Odhiambo")}
    examples.register(last_name="Kamau")
    client = signed_in("administrator")

    client.get("/members?q=O")
    client.post("/search", data={"q": "Mary Wanjiku O"})

    assert {member for member, what in seen() if what == "search.look_up"} == members
    assert {member for member, what in seen() if what == "members.index"} == members


def test_what_was_not_shown_is_not_on_record(books: Flask, signed_in: SignedIn, client: FlaskClient) -> None:
    mary = examples.register()

    client.get(f"/members/{mary}")  # sent to the sign-in page
    signed_in("teller").get(f"/members/{mary}/edit")  # refused
    signed_in("administrator").get("/members/00000000-0000-7000-8000-000000000000")
    signed_in("administrator").get("/savings/accounts/999999")

    assert seen() == []


def test_an_api_token_is_named_in_place_of_a_session(books: Flask) -> None:
    owner, by = hire("administrator"), Actor.system("tests")
    issued = in_transaction(lambda: tokens.issue(name="t", staff_id=owner, scopes=["mpesa.query"], days=1, by=by))
    found = identity.token_holder(issued.secret)
    assert found is not None
    with books.test_request_context("/"):
        g.token_holder = found[0]
        shown([UUID(int=7)])
        books.process_response(Response("shown"))

    row = db.session.scalars(select(RecordView)).one()
    assert (row.channel, row.session_id, row.actor_id) == ("api", issued.token_id, str(owner))


def test_a_job_notes_what_it_reads_in_its_own_transaction(app: Flask) -> None:
    by = Actor.system("statements", on_behalf_of="staff:jane")

    in_transaction(lambda: audit.viewed(("member", UUID(int=7)), by=by, what="statement"))

    assert seen() == [(str(UUID(int=7)), "statement")]


def test_a_failure_to_write_is_heard_of_and_the_page_is_shown(
    books: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mary, client = examples.register(), signed_in("administrator")

    def fail(*args: Any, **facts: Any) -> None:
        raise OperationalError("insert", {}, Exception("the disk is full"))

    monkeypatch.setattr(reads, "write", fail)

    assert client.get(f"/members/{mary}").status_code == 200
    assert "what was shown could not be written down" in caplog.text


@pytest.mark.parametrize(
    "statement", ["UPDATE record_view SET what = 'x'", "DELETE FROM record_view", "TRUNCATE record_view"]
)
def test_nobody_rewrites_who_looked(app: Flask, owner_connection: Any, statement: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        db.session.execute(text(statement))
    with pytest.raises(Exception, match="is refused"):
        owner_connection.execute(statement)


def test_writing_it_down_takes_a_moment_only(books: Flask) -> None:
    by = Actor("staff", "jane", "web")
    subjects = [str(UUID(int=n)) for n in range(25)]
    in_transaction(lambda: reads.write([reads.Seen("member", "1", by, "x")]))

    started = perf_counter()
    for what in ("a", "b", "c", "d", "e"):
        rows = [reads.Seen("member", subject, by, what) for subject in subjects]
        in_transaction(lambda rows=rows: reads.write(rows))  # type: ignore[misc]

    assert (perf_counter() - started) / 5 < 0.1  # a list of 25 rows, on a busy machine


def test_the_member_page_says_who_looked_and_leads_to_all_of_it(books: Flask, signed_in: SignedIn) -> None:
    mary = examples.register()
    jane = hire("administrator", username="jane")
    signed_in_client(books, jane).get(f"/members/{mary}/savings")

    page = signed_in("auditor").get(f"/members/{mary}/activity").text

    assert "Who looked at the record" in page
    assert re.search(r"Administrator Wanjiru</td><td[^>]*>[^<]*</td><td[^>]*>Savings", page)
    assert f"/audit/reads?subject_id={mary}" in page
    assert "Who looked at the record" not in signed_in("teller").get(f"/members/{mary}/activity").text


def test_the_breach_question_is_answered_for_a_person_and_for_a_session(books: Flask, signed_in: SignedIn) -> None:
    mary, paul = examples.register(), examples.register(first_name="Paul", last_name="Otieno")
    jane = hire("administrator", username="jane")
    stolen = signed_in_client(books, jane)
    stolen.get(f"/members/{mary}")
    session_id = identity.open_sessions(jane)[0].id
    signed_in_client(books, jane).get(f"/members/{paul}")
    auditor = signed_in("auditor")

    whole = auditor.get("/audit/reads?who=jane").text
    part = auditor.get(f"/audit/reads?session={session_id}").text

    assert ("Mary Wanjiku Kamau" in whole, "Paul Wanjiku Otieno" in whole) == (True, True)
    assert ("Mary Wanjiku Kamau" in part, "Paul Wanjiku Otieno" in part) == (True, False)
