"""My downloads: each person sees and fetches their own exports, while they may, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import RecordView
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import answer
from app.kernel.errors import Conflict
from app.kernel.files import Kind, exports
from app.kernel.files.exports import Exporter
from app.kernel.files.models import ExportJob
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart
from tests.harness.people import hire, signed_in_client

SignedIn = Callable[[str], FlaskClient]


class TooMuch(Conflict):
    def __init__(self) -> None:
        super().__init__("This is too much at once. Choose fewer days.")


@pytest.fixture(autouse=True)
def exporters(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(inputs: dict[str, object], by: Actor) -> list[tuple[str]]:
        if inputs.get("refuse"):
            raise TooMuch
        return [("Mary",), ("John",)]

    monkeypatch.setattr(exports, "_exporters", {})
    exports.register(Exporter("test.names", "Names", "members.view_documents", ("Name",), rows, lambda *_: 2))


def ask(staff_id: UUID, **inputs: object) -> UUID:
    by = Actor("staff", str(staff_id), "web")
    return in_transaction(lambda: exports.ask("test.names", inputs, Kind.CSV, by=by))


def make(app: Flask, export_id: UUID) -> UUID | None:
    def work() -> None:
        with app.app_context():
            answer("files.export", str(export_id))

    apart(work)
    return db.session.scalar(select(ExportJob.file_id).where(ExportJob.id == export_id))


@pytest.fixture
def naomi(app: Flask) -> UUID:
    return hire("officer")


def test_an_export_is_seen_while_it_is_made_and_fetched_when_it_is_there(app: Flask, naomi: UUID) -> None:
    window = signed_in_client(app, naomi)
    assert "wait here for you" in window.get("/downloads").text
    export_id = ask(naomi)

    waiting = window.get("/downloads").text
    assert "Names" in waiting and "Waiting" in waiting and 'hx-trigger="every 2s"' in waiting

    file_id = make(app, export_id)

    ready = window.get("/downloads", headers={"HX-Request": "true"}).text
    assert "2 rows" in ready and "Ready" in ready and "hx-trigger" not in ready
    assert ready.lstrip().startswith('<section id="downloads"')
    fetched = window.get(f"/downloads/{file_id}")
    assert fetched.data.decode("utf-8-sig") == "Name\r\nMary\r\nJohn\r\n"
    assert fetched.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert fetched.headers["Content-Disposition"].startswith('attachment; filename="Names ')
    assert "Content-Encoding" not in fetched.headers
    seen = db.session.scalars(select(RecordView.what).where(RecordView.subject_id == str(export_id))).all()
    assert seen == ["downloads.fetch test.names"]


def test_nobody_fetches_what_somebody_else_asked_for(app: Flask, signed_in: SignedIn, naomi: UUID) -> None:
    file_id = make(app, ask(naomi))

    for role in ("officer", "manager", "administrator"):
        other = signed_in(role)
        assert other.get(f"/downloads/{file_id}").status_code == 404
        assert "Names" not in other.get("/downloads").text


def test_who_lost_the_permission_fetches_nothing_any_more(app: Flask) -> None:
    former = hire("accountant")
    file_id = make(app, ask(former))

    answer = signed_in_client(app, former).get(f"/downloads/{file_id}")

    assert (answer.status_code, "any more" in answer.text) == (403, True)


def test_a_document_of_a_member_does_not_leave_by_this_door(app: Flask, naomi: UUID) -> None:
    assert signed_in_client(app, naomi).get(f"/downloads/{UUID(int=7)}").status_code == 404


def test_what_could_not_be_made_says_why(app: Flask, naomi: UUID) -> None:
    make(app, ask(naomi, refuse=True))

    page = signed_in_client(app, naomi).get("/downloads").text

    assert "Failed" in page and "Choose fewer days." in page


def test_an_export_that_has_expired_says_so(app: Flask, naomi: UUID, clock) -> None:
    from app.kernel.files.jobs import delete_expired

    file_id = make(app, ask(naomi))
    clock.forward(days=8)

    def work() -> None:
        with app.app_context():
            delete_expired()

    apart(work)
    window = signed_in_client(app, naomi)

    assert "Deleted" in window.get("/downloads").text
    answer = window.get(f"/downloads/{file_id}")
    assert (answer.status_code, "was deleted on" in answer.text) == (404, True)
