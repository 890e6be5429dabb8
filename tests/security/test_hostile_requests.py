"""Nonsense in every address, field and body, by an administrator: refused in words, and never an error of ours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import urlencode

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.api.webhooks import service as webhooks
from app.api.webhooks.schemas import NewSubscription
from app.demo.load import load
from app.identity import queries as identity
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from launcher.postgres import OWNER
from tests.harness.apps import dispose, make_app
from tests.harness.people import signed_in_client
from tests.harness.servers import DEMO_PASSWORD, Servers
from tests.security.specimens import address

BY = Actor.system("tests")
NAMES = (
    "after", "q", "state", "status", "from", "to", "from_on", "to_on", "first_on", "last_on", "since", "until", "on",
    "year", "sort", "page", "limit", "member", "member_id", "account", "amount", "round", "seen", "branch", "officer",
    "code", "kind", "name", "phone", "reason", "note", "description", "version", "events", "roles", "starts_on", "url",
    "days", "scopes", "permission", "reach", "label", "national_id", "text", "id", "subject_type", "subject_id", "who",
    "action", "record", "purpose", "session", "command", "verdict", "entry", "line", "lines", "file", "next",
)  # fmt: skip
VALUES = (
    "", "-1", "0", "9" * 40, "1e400", "NaN", "' OR 1=1 --", "(select pg_sleep(5))", "../../etc/passwd", "[]", "{}",
    "2026-13-45", "99/99/9999", "{{7*7}}", "{0.__class__}", "%s%n", "\N{PILE OF POO}" * 80, "\u202egpj.exe",
    "a\r\nb: c",
    "WyJ4Il0", "W251bGxd", "x" * 5_000, "0712345678", "00000000-0000-0000-0000-000000000000", "true", "İ" * 50,
)  # fmt: skip
BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", "application/json"),
    (b"{}", "application/json"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b'"text"', "application/json"),
    (b'{"amount": 1e400, "member": {"$gt": 0}, "phone": [1], "purpose": true}', "application/json"),
    (b'{"amount": "1", "amount": "2"}', "application/json"),
    (b"[" * 5_000, "application/json"),
    (b'{"member": "\\ud800"}', "application/json"),
    (b"\xff\xfe\x00", "application/json"),
    (b"{}", "text/plain"),
    (b"{}", "multipart/form-data; boundary=x"),
    (b"<a/>", "application/xml"),
)
ROUNDS = [
    {name: VALUES[(place * 7 + turn * 5) % len(VALUES)] for place, name in enumerate(NAMES)} for turn in range(5)
] + [dict.fromkeys(NAMES, "")]
"""Each round gives every field another value."""
LEAVES_THE_SYSTEM = {"identity.sign_out"}


class Everybody:
    """One application on a database of its own, and somebody who may do everything there."""

    def __init__(self, app: Flask, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self.app, self.connection = app, connection
        with app.app_context():
            in_transaction(lambda: load(6, seed=7, password=DEMO_PASSWORD))
            admin = identity.by_username("admin")
            assert admin is not None
            self.admin = admin.id
            issued = in_transaction(
                lambda: tokens.issue(name="probe", staff_id=self.admin, scopes=list(SCOPES), days=1, by=BY)
            )
            values = NewSubscription(
                description="Probe", url="https://hooks.example.com/", events=["payment.succeeded"]
            )
            hook = in_transaction(lambda: webhooks.subscribe(values, by=BY))[0]
            in_transaction(lambda: webhooks.send_test(hook, by=BY))
        self.bearer = {"Authorization": f"Bearer {issued.secret}", "Idempotency-Key": "probe", "If-Match": '"1"'}

    def browser(self) -> FlaskClient:
        """Signed in anew: some forms end sessions, the own one among them."""
        with self.app.app_context():
            return signed_in_client(self.app, self.admin)

    def rules(self, *methods: str) -> Iterator[tuple[str, Rule]]:
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.rule):
            for method in sorted((rule.methods or set()) & set(methods)):
                if rule.endpoint not in LEAVES_THE_SYSTEM:
                    yield method, rule

    def address(self, rule: Rule) -> str:
        return address(self.app, rule, self.connection)


@pytest.fixture(scope="module")
def everybody(servers: Servers) -> Iterator[Everybody]:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        app.config["PROPAGATE_EXCEPTIONS"] = False
        app.config["RATELIMIT_ENABLED"] = False
        with psycopg.connect(servers.postgres.url(OWNER, name), autocommit=True) as connection:
            yield Everybody(app, connection)
        dispose(app)


def broke(answer: TestResponse) -> bool:
    """Whether the answer is a mistake of ours. A provider that is away (503) is not."""
    return answer.status_code >= 500 and answer.status_code != 503


def test_nonsense_in_an_address_is_refused_in_words(everybody: Everybody) -> None:
    broken = []
    for method, rule in everybody.rules("GET"):
        client, where = everybody.browser(), everybody.address(rule)
        for number, fields in enumerate(ROUNDS):
            answer = client.open(f"{where}?{urlencode(fields)}", method=method, headers=everybody.bearer)
            if broke(answer):
                broken.append((rule.rule, number))

    assert broken == []


def test_nonsense_in_a_form_is_refused_in_words(everybody: Everybody) -> None:
    broken = []
    for method, rule in everybody.rules("POST"):
        if rule.rule.startswith("/api/"):
            continue
        where = everybody.address(rule)
        for number, fields in enumerate(ROUNDS):
            answer = everybody.browser().open(where, method=method, data=fields | {"key": f"probe {number}"})
            if broke(answer):
                broken.append((rule.rule, number))

    assert broken == []


def test_a_file_where_none_is_expected_is_refused_in_words(everybody: Everybody) -> None:
    broken = []
    for method, rule in everybody.rules("POST"):
        if rule.rule.startswith("/api/"):
            continue
        data = {name: (io.BytesIO(b"\x00\xff"), "../../x\r\n.exe") for name in ("file", "name", "amount", "reason")}
        answer = everybody.browser().open(everybody.address(rule), method=method, data=data)
        if broke(answer):
            broken.append(rule.rule)

    assert broken == []


def test_nonsense_in_a_body_is_refused_as_a_problem(everybody: Everybody) -> None:
    broken = []
    client = everybody.app.test_client()
    for method, rule in everybody.rules("POST", "PUT", "PATCH", "DELETE"):
        if not rule.rule.startswith(("/api/", "/hooks/")):
            continue
        where = everybody.address(rule)
        for body, kind in BODIES:
            answer = client.open(where, method=method, data=body, content_type=kind, headers=everybody.bearer)
            is_told = rule.rule.startswith("/hooks/") or answer.status_code < 400
            if broke(answer) or not (is_told or answer.mimetype == "application/problem+json"):
                broken.append((method, rule.rule, body[:30], answer.status_code))

    assert broken == []


def test_too_much_is_refused_before_it_is_read(everybody: Everybody) -> None:
    for method, rule in everybody.rules("POST"):
        takes_files = hasattr(everybody.app.view_functions[rule.endpoint], "__largest_request__")
        if rule.rule.startswith(("/api/", "/hooks/")) or takes_files:
            continue  # these have limits of their own, which their rooms' tests show
        answer = everybody.browser().open(everybody.address(rule), method=method, data={"reason": "x" * 1_100_000})
        assert answer.status_code in (413, 303), rule.rule
