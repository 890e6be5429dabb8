"""Every table is either audited or excused for a reason, and the watch that every test is under sees what it must."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.identity.service import staff
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness import trail
from tests.harness.people import hire

TABLES = """
    SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || tablename FROM pg_tables
     WHERE schemaname IN ('public', 'ledger')
"""


def test_every_table_is_audited_or_excused_for_a_reason(app: Flask) -> None:
    tables = set(db.session.scalars(text(TABLES)))

    assert tables - trail.verdicts().keys() == set(), "say of each in tests/audit/trail.csv: audited, or why not"
    assert trail.verdicts().keys() - tables == set(), "these tables are gone"


def test_every_excuse_is_a_sentence() -> None:
    bare = [one.table for one in trail.verdicts().values() if not one.audited and len(one.reason.split()) < 3]

    assert bare == []


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("INSERT INTO member (number) VALUES (%s)", {"member"}),
        ("UPDATE member_phone SET ended_at=%s WHERE id = %s", {"member_phone"}),
        ("DELETE FROM staff_role WHERE staff_id = %s", {"staff_role"}),
        ("WITH x AS (INSERT INTO staff_role VALUES (1)) SELECT 1", {"staff_role"}),
        ("INSERT INTO audit_event (at) VALUES (%s)", {"audit_event"}),
        ("INSERT INTO member (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 2", {"member"}),
        ("UPDATE staff_session SET seen_at=%(at)s WHERE id = 1", set()),
        ("UPDATE staff_session SET seen_at=%(at)s, ended_at=%(at)s WHERE id = 1", {"staff_session"}),
        ("SELECT 1 FROM member FOR UPDATE", set()),
        ("UPDATE sms_message SET state='sent'", set()),
    ],
)
def test_what_a_statement_writes(statement: str, tables: set[str]) -> None:
    assert trail.written_by(statement) == tables


@pytest.fixture
def careless(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A use case that somebody wrote without a thought for the auditor."""
    monkeypatch.setattr("app.audit.record", lambda *args, **facts: None)


def test_a_request_that_leaves_no_trace_is_seen(
    app: Flask, signed_in: Callable[[str], FlaskClient], careless: None
) -> None:
    jane = hire("teller")
    administrator = signed_in("administrator")
    trail.found.clear()

    administrator.post(f"/users/{jane}/sessions/end", data={"key": "k"})
    administrator.post(f"/users/{jane}/details", data={"name": "Jane Doe", "branch_id": "1", "key": "k"})

    seen, trail.found[:] = [(one.tables, one.edge) for one in trail.found], []
    assert seen[-1][0] == ("staff",)
    assert seen[-1][1].startswith("app/identity/views/")


def test_what_is_rolled_back_or_done_by_a_test_is_not_held_against_anybody(app: Flask, careless: None) -> None:
    by = Actor.system("tests")
    jane = hire("teller")
    in_transaction(lambda: staff.end_sessions(jane, by=by))

    assert trail.found == []
