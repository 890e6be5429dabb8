"""Tables that people ask for: made in the background, begun again when a worker dies, and one file in the end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import openpyxl
import pytest

from app.kernel import files
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import answer
from app.kernel.files import Kind, exports
from app.kernel.files.exports import Exporter
from app.kernel.files.models import ExportJob, StoredFile
from app.kernel.files.sheets import Row
from app.kernel.files.states import ExportState
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart

NAOMI = Actor("staff", "0198-naomi", "web")
COLUMNS = ("Name", "Amount (KES)", "On", "At", "Count")


@pytest.fixture
def table(app, monkeypatch):
    """An exporter whose rows a test decides."""
    rows: list[Row] = []

    def read(inputs, by) -> Iterator[Row]:
        assert (inputs, by) == ({"status": "open"}, NAOMI)
        yield from rows

    monkeypatch.setattr(exports, "_exporters", {})
    exports.register(
        Exporter("test.table", "Open accounts", "test.export", COLUMNS, read, lambda inputs, by: len(rows))
    )
    return rows


def ask(kind: Kind = Kind.CSV) -> UUID:
    return in_transaction(lambda: exports.ask("test.table", {"status": "open"}, kind, by=NAOMI))


def make(app, export_id: UUID) -> None:
    def work() -> None:
        with app.app_context():
            answer("files.export", str(export_id))

    apart(work)


def export(export_id: UUID) -> ExportJob:
    found = db.session.get(ExportJob, export_id, populate_existing=True)
    assert found is not None
    return found


def content(export_id: UUID) -> bytes:
    file_id = export(export_id).file_id
    assert file_id is not None
    return b"".join(files.read(file_id))


def test_what_was_asked_for_is_made_and_can_be_read(app, table):
    table += [("Mary Kamau", kes("1,250.50"), date(2026, 3, 31), datetime(2026, 3, 31, 22, 30, tzinfo=UTC), 7)]

    export_id = ask()
    assert export(export_id).state is ExportState.WAITING
    make(app, export_id)

    made = export(export_id)
    assert (made.state, made.rows_done, made.rows_expected) == (ExportState.READY, 1, 1)
    assert content(export_id).decode("utf-8-sig").splitlines() == [
        "Name,Amount (KES),On,At,Count",
        "Mary Kamau,1250.50,2026-03-31,2026-04-01 01:30:00,7",  # 22:30 UTC is the next day in Nairobi
    ]
    assert files.describe(made.file_id).served_name.startswith("Open accounts 20")


def test_a_workbook_holds_numbers_dates_and_text(app, table):
    table += [("Mary", kes("-1,250.50"), date(2026, 3, 31), datetime(2026, 3, 31, 22, 30, tzinfo=UTC), 7)]

    export_id = ask(Kind.XLSX)
    make(app, export_id)

    sheet = openpyxl.load_workbook(io.BytesIO(content(export_id))).active
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    assert [cell.value for cell in sheet[2]] == [
        "Mary",
        -1250.5,
        datetime(2026, 3, 31),  # noqa: DTZ001 - Excel knows no zones
        datetime(2026, 4, 1, 1, 30),  # noqa: DTZ001
        7,
    ]


FORMULAS = ['=HYPERLINK("http://evil")', "+254712345678", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula(app, table, text):
    table += [(text, kes("-5"), None, None, -3)]

    as_csv, as_workbook = ask(Kind.CSV), ask(Kind.XLSX)
    make(app, as_csv)
    make(app, as_workbook)

    row = list(csv.reader(io.StringIO(content(as_csv).decode("utf-8-sig"), newline="")))[1]
    assert row == [f"'{text}", "-5.00", "", "", "-3"]  # numbers stay numbers
    cell = openpyxl.load_workbook(io.BytesIO(content(as_workbook))).active["A2"]
    assert cell.data_type == "s"


def test_an_export_whose_worker_was_killed_is_begun_again_and_leaves_one_file(app, table, clock):
    table += [(f"Member {n}", kes(n), None, None, n) for n in range(3)]
    export_id = ask()
    in_transaction(lambda: exports._claim(export_id))  # a worker took it and was killed
    make(app, export_id)
    assert export(export_id).state is ExportState.RUNNING  # its lease still holds

    clock.forward(seconds=exports.LEASE_SECONDS + 1)
    assert exports.due() == [export_id]
    make(app, export_id)
    make(app, export_id)

    assert export(export_id).state is ExportState.READY
    assert len(db.session.query(StoredFile).all()) == 1
    assert len(content(export_id).splitlines()) == 4


def test_a_worker_that_comes_back_after_its_lease_stores_nothing(app, table, clock):
    export_id = ask()

    def slow(inputs, by):
        clock.forward(seconds=exports.LEASE_SECONDS + 1)
        apart_again()
        yield ("late", None, None, None, None)

    def apart_again():
        make(app, export_id)

    first = exports.named("test.table")
    calls = iter([slow, first.rows])
    exports.register(Exporter(first.name, first.label, first.permission, COLUMNS, lambda i, b: next(calls)(i, b)))

    make(app, export_id)

    assert export(export_id).state is ExportState.READY
    assert content(export_id).decode("utf-8-sig").splitlines() == [",".join(COLUMNS)]
    assert len(db.session.query(StoredFile).all()) == 1


def test_an_export_that_kills_its_worker_each_time_is_given_up_with_words(app, table, clock):
    export_id = ask()
    for _ in range(exports.MOST_ATTEMPTS):
        in_transaction(lambda: exports._claim(export_id))
        clock.forward(seconds=exports.LEASE_SECONDS + 1)

    make(app, export_id)

    assert (export(export_id).state, export(export_id).trouble) == (ExportState.FAILED, exports.NOT_MADE)
    assert exports.due() == []
