"""The trail: written with the change, read by everybody who may, changed by nobody."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask, g
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from app import audit
from app.audit.changes import plain
from app.audit.models import AuditEvent
from app.identity.states import StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from launcher.postgres import APPLICATION, OWNER
from tests.harness.servers import Servers

JANE = Actor("staff", "jane", "web", "10.0.0.7")
MEMBER = ("member", UUID("0198f3c2-0000-7000-8000-000000000001"))


def only_event() -> AuditEvent:
    return db.session.scalars(select(AuditEvent)).one()


def test_a_row_says_who_did_what_to_whom_from_where(app: Flask) -> None:
    with app.test_request_context():
        g.request_id = "0123456789abcdef"
        in_transaction(
            lambda: audit.record(
                "members.edited", subject=MEMBER, by=JANE, before={"name": "A"}, after={"name": "B"}, branch_id=1
            )
        )
        event = only_event()

    assert (event.action, event.subject_type, event.subject_id) == ("members.edited", "member", str(MEMBER[1]))
    assert (event.actor, event.channel, event.address, event.branch_id) == (("staff", "jane"), "web", "10.0.0.7", 1)
    assert (event.before, event.after) == ({"name": "A"}, {"name": "B"})
    assert event.request_id == "0123456789abcdef"


def test_a_job_leaves_the_name_of_whoever_asked_for_it(app: Flask) -> None:
    by = Actor.system("mpesa.pull", on_behalf_of="staff:jane")

    in_transaction(lambda: audit.record("mpesa.pulled", subject=MEMBER, by=by))

    assert only_event().actor == ("system", "mpesa.pull")
    assert only_event().asked_by == ("staff", "jane")
    assert only_event().before is None


def test_what_is_rolled_back_leaves_no_trace(app: Flask) -> None:
    def fail() -> None:
        audit.record("members.edited", subject=MEMBER, by=JANE)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_transaction(fail)

    assert db.session.scalars(select(AuditEvent)).all() == []


def test_differences_are_the_fields_that_changed_and_hide_what_is_encrypted() -> None:
    before = {"name": "A", "phone": "0712 345 678", "branch": 1}
    after = {"name": "B", "phone": "0799 999 999", "branch": 1, "email": None}

    was, now = audit.differences(before, after, hidden={"phone"})

    assert was == {"name": "A"}
    assert now == {"name": "B", "phone": "changed", "email": None}


def test_typed_values_become_plain_ones() -> None:
    values: dict[str, Any] = {
        "amount": kes("1,250.50"),
        "on": date(2026, 11, 22),
        "status": StaffStatus.LEFT,
        "rate": Decimal("12.5"),
        "id": MEMBER[1],
        "roles": {"b", "a"},
        "nested": {"count": 2, "ok": True, "none": None},
    }

    assert plain(values) == {
        "amount": "1250.50",
        "on": "2026-11-22",
        "status": "left",
        "rate": "12.5",
        "id": str(MEMBER[1]),
        "roles": ["a", "b"],
        "nested": {"count": 2, "ok": True, "none": None},
    }


def test_what_has_no_plain_form_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="object"):
        plain({"thing": object()})


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"],
)
def test_the_application_may_not_change_the_trail(app: Flask, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"],
)
@pytest.mark.parametrize("has_rows", [True, False])
def test_nor_may_the_owner(owner_connection: psycopg.Connection[Any], statement: str, has_rows: bool) -> None:
    if has_rows:
        owner_connection.execute(
            "INSERT INTO audit_event (at, action, subject_type, subject_id, actor_kind, actor_id, channel)"
            " VALUES (now(), 'a.b', 'x', '1', 'system', 'test', 'test')"
        )

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is refused"):
        owner_connection.execute(statement)  # type: ignore[call-overload]  # a fixed text


def test_the_application_may_read_and_add_and_nothing_else(servers: Servers) -> None:
    with psycopg.connect(servers.postgres.url(OWNER, servers.template)) as connection:
        rows = connection.execute(
            "SELECT privilege_type FROM information_schema.role_table_grants"
            " WHERE table_name = 'audit_event' AND grantee = %s ORDER BY 1",
            [APPLICATION],
        ).fetchall()

    assert rows == [("INSERT",), ("SELECT",)]
