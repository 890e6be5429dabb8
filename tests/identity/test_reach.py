"""Every record of every address, asked for by every role: within its reach it opens, beyond it there is nothing.

The addresses are those of the program, so a new one is walked as soon as its row stands in access_matrix.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.audit.models import AuditEvent
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.web import reach
from app.web.access import Public, declared
from tests.approvals import probe
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.identity import branches, matrix
from tests.identity.branches import Side, Town

REACHES = {"yes": {"own", "near", "far"}, "branch": {"own", "near"}, "own": {"own"}, "no": set()}
NARROW = ("manager", "officer", "teller", "agent")
HEADERS_THAT_DIFFER = {"X-Request-ID"}
TABLES_OF_THE_WATCH = {"public.audit_event", "public.staff_session", "public.record_view", "public.api_token"}
"""What a refused request may still write: the trail of it, and that a session or token was used."""


@pytest.fixture
def town(app: Flask, clock: SettableClock) -> Iterator[Town]:
    clock.set("2026-11-20T09:00:00+00:00")  # and there it stands: pages show the time
    with probe.registered():
        yield branches.build(app)


def rows(app: Flask, *, of_tokens: bool) -> Iterator[tuple[matrix.Row, Rule]]:
    """The addresses that name a record, and for whom they are meant."""
    rules = matrix.addresses(app)
    for row in matrix.meant():
        rule = rules.get(row.key)
        if rule is None or row.anonymous == "open" or (row.anonymous == "token") is not of_tokens:
            continue
        if set(rule.arguments) - matrix.COMMON and "room" not in row.roles.values():
            yield row, rule


def address(app: Flask, rule: Rule, town: Town, side: str) -> str:
    """The address of a side's records; an argument that the town does not know fails in words."""
    values = {}
    for argument in rule.arguments:
        values[argument] = town.record(side, argument)
        assert values[argument] is not None, f"put a record for “{argument}” into tests/identity/branches.py"
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def fingerprints() -> dict[str, str]:
    """Each table's contents in one number: equal before and after means that nothing was written."""
    names = db.session.scalars(
        text(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'ledger')"
            " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
        )
    ).all()
    each = " UNION ALL ".join(
        f"SELECT '{name}', count(*)::text || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {name} t"  # noqa: S608 - our own table names
        for name in names
        if name not in TABLES_OF_THE_WATCH
    )
    return {row[0]: row[1] for row in db.session.execute(text(each))}


def ask(client: FlaskClient, method: str, url: str, headers: dict[str, str]) -> TestResponse:
    """Ask with nothing typed: what gets past the gate then finds its fields missing."""
    if url.startswith("/api/") and method != "GET":
        return client.open(
            url, method=method, json={}, headers={**headers, "Idempotency-Key": "walk", "If-Match": '"1"'}
        )
    return client.open(url, method=method, headers=headers)


def walk(app: Flask, client: FlaskClient, town: Town, role: str, *, of_tokens: bool, headers: dict[str, str]) -> int:
    """Ask for the record of each side: first for those beyond reach, which must change nothing; returns how many.

    Whoever holds no permission at all is refused before any record is looked for: test_access walks that.
    """
    beyond, within = [], []
    for row, rule in rows(app, of_tokens=of_tokens):
        cell = row.roles[role]
        for side in {"yes": ("far",), "no": ()}.get(cell, ("far", "near", "own")):
            (within if side in REACHES[cell] else beyond).append((row, address(app, rule, town, side), side))

    before = fingerprints()
    for row, url, side in beyond:
        answer = ask(client, row.method, url, headers)
        where = f"{row.method} {row.rule} for {role}, {side}: {answer.status_code}"
        assert answer.status_code == 404, where
        assert leaked(answer, town.sides[side]) == [], where
    now = fingerprints()
    assert [table for table in now if now[table] != before[table]] == [], "a refused request changed something"

    for row, url, side in within:
        denied, answer = refusals(), ask(client, row.method, url, headers)
        where = f"{row.method} {row.rule} for {role}, {side}: {answer.status_code}"
        # A photo that nobody has taken is not there, but it is the room that says so and not the gate.
        assert answer.status_code not in (401, 403, 500) and refusals() == denied, where
    return len(beyond)


def refusals() -> int:
    """How often the gate has said that there is no such record."""
    return db.session.query(AuditEvent).filter_by(action="identity.record_denied").count()


def leaked(answer: TestResponse, side: Side) -> list[str]:
    """What a page tells of a member whom it must not mention."""
    return [mark for mark in side.marks if mark in answer.get_data(as_text=True)]


def test_every_argument_of_an_address_says_where_its_record_belongs(app: Flask) -> None:
    known = reach.known(app)

    missing = {
        f"{argument} ({rule.rule}): register it in create_app, with reach.locate or reach.names_no_record"
        for rule in app.url_map.iter_rules()
        for argument in rule.arguments
        if argument not in known and not isinstance(declared(app.view_functions[rule.endpoint]), Public)
    }
    assert missing == set()


@pytest.mark.parametrize("role", matrix.ROLES)
def test_what_is_within_reach_opens_and_beyond_it_there_is_nothing(app: Flask, town: Town, role: str) -> None:
    walker, by = hire(role), Actor.system("tests")
    branches.belongs_to(town, walker)
    issued = in_transaction(lambda: tokens.issue(name="walk", staff_id=walker, scopes=SCOPES.keys(), days=1, by=by))
    browser, program = signed_in_client(app, walker), app.test_client()

    tell_nothing_of_what_is_beyond(app, browser, town, role)
    refused = walk(app, browser, town, role, of_tokens=False, headers={})
    refused += walk(app, program, town, role, of_tokens=True, headers={"Authorization": f"Bearer {issued.secret}"})

    assert refused > (20 if role in NARROW else -1)


def tell_nothing_of_what_is_beyond(app: Flask, client: FlaskClient, town: Town, role: str) -> None:
    """Lists, figures and fragments: the pages that name no record."""
    rules = matrix.addresses(app)
    for row in matrix.meant():
        rule = rules.get(row.key)
        if rule is None or row.method != "GET" or rule.arguments or row.roles[role] not in ("branch", "own"):
            continue
        if row.anonymous == "sign-in":
            answer = client.get(matrix.address_of(app, rule))
            beyond = {"own", "near", "far"} - REACHES[row.roles[role]]
            assert [leaked(answer, town.sides[side]) for side in beyond] == [[] for _ in beyond], row.key


@pytest.mark.parametrize("role", ["teller", "agent"])
def test_what_is_out_of_reach_answers_exactly_like_what_does_not_exist(app: Flask, town: Town, role: str) -> None:
    walker = hire(role)
    client = signed_in_client(app, walker)

    for row, rule in rows(app, of_tokens=False):
        if row.method != "GET" or row.roles[role] not in ("branch", "own"):
            continue
        for headers in ({}, {"HX-Request": "true"}):
            there = client.get(address(app, rule, town, "far"), headers=headers)
            nowhere = client.get(matrix.address_of(app, rule), headers=headers)
            assert told(there) == told(nowhere), row.key


def told(answer: TestResponse) -> tuple[int, str, int, dict[str, str]]:
    """Everything that an answer says, apart from its own number and what is new in each form."""
    page = re.sub(r"Request [0-9a-f]{32}", "Request", answer.text)
    page = re.sub(r'(name="csrf_token" value|name="key" value)="[^"]*"', r"\1", page)
    page = re.sub(r'"X-CSRFToken":"[^"]*"', "", page)  # signed with its second: two answers may come in two of them
    headers = {name: value for name, value in answer.headers.items() if name not in HEADERS_THAT_DIFFER}
    return answer.status_code, page, len(answer.data), headers


def test_who_asks_for_what_is_out_of_reach_leaves_a_trace(app: Flask, town: Town) -> None:
    teller = hire("teller")
    far = town.sides["far"]

    signed_in_client(app, teller).get(f"/members/{far.member_id}")

    event = db.session.query(AuditEvent).filter_by(action="identity.record_denied").one()
    assert (event.actor_id, event.subject) == (str(teller), ("member", str(far.member_id)))


def test_the_search_finds_only_what_is_within_reach(app: Flask, town: Town) -> None:
    teller, auditor = signed_in_client(app, hire("teller")), signed_in_client(app, hire("auditor"))

    for mark in town.sides["far"].marks:
        assert leaked(teller.post("/search", data={"q": mark}, headers={"HX-Request": "true"}), town.sides["far"]) in (
            [],
            [mark],  # what was typed is shown again
        )
        assert not re.search(
            r"/members/[0-9a-f-]{36}|/savings/accounts/\d", teller.post("/search", data={"q": mark}).text
        )
    assert "Mwambingu" in auditor.post("/members/find", data={"q": "Mwambingu"}, follow_redirects=True).text
    assert "No member fits" in teller.post("/members/find", data={"q": "Mwambingu"}, follow_redirects=True).text
