"""The trail and the reads as tables to take away: exactly the filter, harmless cells, and on record themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select, text

from app import audit
from app.audit import reads, tables
from app.audit.models import AuditEvent
from app.kernel import files
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.files import exports
from app.kernel.files.models import ExportJob
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart
from tests.harness.people import hire, signed_in_client

SignedIn = Callable[[str], FlaskClient]
JANE = Actor("staff", "0198f3c2-0000-7000-8000-0000000000aa", "web", "10.0.0.7")
HOSTILE = '=HYPERLINK("http://evil.example","Click")'


def record(action: str, subject: str, **facts: object) -> None:
    in_transaction(lambda: audit.record(action, subject=("thing", subject), by=JANE, after=facts))


def made(app: Flask) -> bytes:
    """What the latest export became once a worker had made it."""
    export_id = db.session.scalars(select(ExportJob.id).order_by(ExportJob.id.desc())).first()
    assert export_id is not None

    def work() -> None:
        with app.app_context():
            exports.run(export_id)

    apart(work)
    job = db.session.get_one(ExportJob, export_id, populate_existing=True)
    assert job.file_id is not None, job.trouble
    return b"".join(files.read(job.file_id))


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_table_is_exactly_what_the_filter_finds_field_by_field(app: Flask, signed_in: SignedIn) -> None:
    record("members.edited", "M1", name="B", branch=2)
    record("savings.opened", "M1")
    auditor = signed_in("auditor")

    answer = auditor.post("/audit/export", data={"action": "members", "kind": "csv"})

    assert (answer.status_code, answer.location) == (303, "/downloads")
    rows = rows_of(made(app))
    assert [(row["Action"], row["Subject id"], row["Field"], row["After"]) for row in rows] == [
        ("members.edited", "M1", "name", "B"),
        ("members.edited", "M1", "branch", "2"),
    ]
    assert rows[0]["Address"] == "10.0.0.7"


@pytest.mark.parametrize("name", [HOSTILE, "+254", "-1+1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_becomes_a_formula_in_csv(app: Flask, signed_in: SignedIn, name: str) -> None:
    record("members.edited", name, name=name)

    signed_in("auditor").post("/audit/export", data={"action": "members.edited", "kind": "csv"})

    [row] = rows_of(made(app))
    assert row["After"].startswith("'")
    assert row["Subject id"].startswith("'")


def test_no_cell_becomes_a_formula_in_a_workbook(app: Flask, signed_in: SignedIn) -> None:
    record("members.edited", HOSTILE, name=HOSTILE)

    signed_in("auditor").post("/audit/export", data={"action": "members.edited", "kind": "xlsx"})

    sheet = load_workbook(io.BytesIO(made(app))).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells if cell.value == HOSTILE} == {"s"}
    assert "f" not in {cell.data_type for cell in cells}


def test_whoever_takes_the_trail_away_is_in_it(app: Flask, signed_in: SignedIn) -> None:
    signed_in("auditor").post("/audit/export", data={"who": "night-watch", "kind": "xlsx"})

    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "audit.exported")).one()
    assert event.after == {"table": "audit.changes", "kind": "xlsx", "who": "night-watch"}
    assert event.actor_kind == "staff"


def test_reads_are_taken_away_too(app: Flask, signed_in: SignedIn) -> None:
    seen = reads.Seen("member", str(UUID(int=7)), JANE, "profile.show")
    in_transaction(lambda: reads.write([seen], session_id=UUID(int=9)))

    signed_in("auditor").post("/audit/reads/export", data={"session": str(UUID(int=9)), "kind": "csv"})

    [row] = rows_of(made(app))
    assert (row["Record id"], row["Page"], row["Session"]) == (str(UUID(int=7)), "Profile", str(UUID(int=9)))


def test_who_reaches_one_branch_takes_away_no_more(app: Flask) -> None:
    manager = hire("manager")
    in_transaction(lambda: audit.record("members.edited", subject=("thing", "ours"), by=JANE, branch_id=1))
    in_transaction(lambda: audit.record("members.edited", subject=("thing", "theirs"), by=JANE, branch_id=2))

    signed_in_client(app, manager).post("/audit/export", data={"action": "members.edited", "kind": "csv"})

    assert [row["Subject id"] for row in rows_of(made(app))] == ["ours"]


def test_too_much_at_once_is_refused_before_it_is_begun(
    app: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    for n in range(3):
        record("members.edited", str(n))

    answer = signed_in("auditor").post("/audit/export", data={"action": "members.edited", "kind": "csv"})

    assert answer.status_code == 409
    assert "Choose fewer days" in answer.text
    assert db.session.scalars(select(ExportJob)).all() == []


def test_a_wrong_filter_is_refused(signed_in: SignedIn) -> None:
    assert signed_in("auditor").post("/audit/export", data={"from_on": "soon", "kind": "csv"}).status_code == 422
    assert signed_in("auditor").post("/audit/export", data={"kind": "exe"}).status_code == 422


def test_ten_thousand_rows_pass_through_little_memory(app: Flask, signed_in: SignedIn) -> None:
    many = text(
        "INSERT INTO audit_event (at, action, subject_type, subject_id, actor_kind, actor_id, channel, after)"
        " SELECT now(), 'thing.changed', 'thing', n::text, 'system', 'jane', 'web', jsonb_build_object('n', n)"
        " FROM generate_series(1, 10000) n"
    )
    in_transaction(lambda: db.session.execute(many))
    signed_in("auditor").post("/audit/export", data={"action": "thing.changed", "kind": "csv"})

    assert len(rows_of(made(app))) == 10_000
