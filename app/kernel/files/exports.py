"""Tables that people ask for and fetch when they are made: the audit trail, payments, statements.

A room registers what it can export, by name; a view asks for it (``ask``), a job makes it with its progress noted, and
"My downloads" shows it to whoever asked. The page may be left and come back to; a worker that is killed loses nothing
but time, and however often an export is begun, it ends as one file.

    exports.register(Exporter("audit.trail", "Audit trail", permission="audit.export",
                              columns=("When", "Who", …), rows=trail_rows, count=trail_count))
    export_id = in_transaction(lambda: exports.ask("audit.trail", filter_as_json, Kind.XLSX, by=actor()))
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from app.kernel import clock, doorbell, leases
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Refusal
from app.kernel.files import service, sheets
from app.kernel.files.errors import FileMissing
from app.kernel.files.kinds import Kind
from app.kernel.files.models import ExportJob
from app.kernel.files.purposes import EXPORT
from app.kernel.files.sheets import Row
from app.kernel.files.states import ExportState
from app.kernel.leases import LeaseLost
from app.kernel.transactions import in_transaction

LEASE_SECONDS = 180  # each note of the progress takes it anew; packing the workbook at the end notes nothing
NOTED_EVERY_SECONDS = 1
MOST_ATTEMPTS = 3
LATEST = 50
NOT_MADE = "This export could not be made. It has been recorded; ask for it again, or for less at once."

log = logging.getLogger(__name__)

Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exporter:
    """What a room can export. ``rows`` yields rows as it reads them (``yield_per``), never all at once; it is told what
    was asked for and by whom, in the job's own session.
    """

    name: str
    label: str
    permission: str  # also needed to fetch what was made
    columns: Sequence[str]
    rows: Callable[[Inputs, Actor], Iterable[Row]]
    count: Callable[[Inputs, Actor], int | None] = lambda inputs, by: None  # how many there will be, for the progress


_exporters: dict[str, Exporter] = {}


def register(exporter: Exporter) -> None:
    """Let this be exported; called by ``create_app``."""
    _exporters[exporter.name] = exporter


def named(name: str) -> Exporter:
    """What a room registered under this name."""
    return _exporters[name]


def ask(name: str, inputs: Inputs, kind: Kind, *, by: Actor, title: str = "") -> UUID:
    """Have a table made in the background. ``inputs`` are JSON: the filter, and whose records ``by`` may have."""
    assert kind in EXPORT.kinds, f"nothing is exported as {kind}"
    export = ExportJob(
        exporter=name,
        title=title or named(name).label,
        inputs=inputs,
        kind=kind,
        asked_by=by.principal,
        actor=by.as_json(),
        asked_at=clock.now(),
        state=ExportState.WAITING,
        due_at=clock.now(),
    )
    db.session.add(export)
    db.session.flush()  # the ring needs the id
    doorbell.ring("files.export", export.id)
    return export.id


def asked_by(principal: str) -> Sequence[ExportJob]:
    """The latest exports of one person, the newest first."""
    newest = (
        select(ExportJob)
        .where(ExportJob.asked_by == principal)
        .order_by(ExportJob.asked_at.desc(), ExportJob.id.desc())
        .limit(LATEST)
    )
    return db.session.scalars(newest).all()


def by_file(file_id: UUID) -> ExportJob:
    """The export that ended as this file. Refuses with FileMissing."""
    found: ExportJob | None = db.session.scalar(select(ExportJob).where(ExportJob.file_id == file_id))
    if found is None:
        raise FileMissing
    return found


def due() -> Sequence[UUID]:
    """Exports that nobody is making."""
    return db.session.scalars(
        select(ExportJob.id).where(leases.is_due(ExportJob)).order_by(ExportJob.due_at).limit(LATEST)
    ).all()


def time_left(export: ExportJob) -> timedelta | None:
    """How long it will take at the pace so far; None while nobody can say."""
    if export.state is not ExportState.RUNNING or not (export.rows_done and export.rows_expected and export.started_at):
        return None
    left = max(export.rows_expected - export.rows_done, 0)
    return (clock.now() - export.started_at) * left / export.rows_done


def run(export_id: UUID) -> None:
    """Make one export. Ringing twice makes it once."""
    task = in_transaction(lambda: _claim(export_id))
    if task is None:
        return
    with tempfile.TemporaryFile() as into:
        try:
            expected = task.exporter.count(task.inputs, task.by)
            _note(task, 0, expected)
            sheets.write(task.kind, into, task.exporter.columns, _counted(task, expected))
            in_transaction(lambda: _finish(task, service.store(into, name=task.name, purpose=EXPORT.name, by=task.by)))
        except LeaseLost:
            log.warning("an export was made after its lease", extra={"export_id": str(export_id)})
        except Refusal as refusal:
            sentence = refusal.message
            in_transaction(lambda: _fail(task, sentence))


@dataclass(frozen=True, slots=True)
class _Task:
    export_id: UUID
    exporter: Exporter
    inputs: Inputs
    kind: Kind
    by: Actor
    name: str
    fence: int


def _claim(export_id: UUID) -> _Task | None:
    export = leases.claim(ExportJob, export_id, seconds=LEASE_SECONDS)
    if export is None:
        return None
    export.attempts += 1
    if export.attempts > MOST_ATTEMPTS:
        _end(export, ExportState.FAILED)
        export.trouble = NOT_MADE
        return None
    export.state, export.started_at, export.rows_done = ExportState.RUNNING, clock.now(), 0
    by = Actor(**export.actor)
    name = f"{export.title} {_day(export.asked_at)}{export.kind.extensions[0]}"
    return _Task(export.id, named(export.exporter), export.inputs, export.kind, by, name, export.fence)


def _day(at: datetime) -> str:
    return f"{clock.eat(at):%Y-%m-%d %H%M}"


def _counted(task: _Task, expected: int | None) -> Iterator[Row]:
    """The rows as they come, with how many noted now and then: that shows the page, and keeps the lease."""
    noted_at, done = time.monotonic(), 0
    for row in task.exporter.rows(task.inputs, task.by):
        yield row
        done += 1
        if time.monotonic() - noted_at >= NOTED_EVERY_SECONDS:
            _note(task, done, expected)
            noted_at = time.monotonic()
    _note(task, done, expected)


def _note(task: _Task, done: int, expected: int | None) -> None:
    """In a session of its own: the job's is in the middle of reading. Raises LeaseLost."""
    with current_app.app_context():
        in_transaction(lambda: _write_note(task, done, expected))


def _write_note(task: _Task, done: int, expected: int | None) -> None:
    export = leases.hold(ExportJob, task.export_id, fence=task.fence)
    export.rows_done, export.rows_expected = done, expected
    export.leased_until = clock.now() + timedelta(seconds=LEASE_SECONDS)


def _finish(task: _Task, file_id: UUID) -> None:
    export = leases.hold(ExportJob, task.export_id, fence=task.fence)
    export.file_id = file_id
    _end(export, ExportState.READY)


def _fail(task: _Task, sentence: str) -> None:
    export = leases.hold(ExportJob, task.export_id, fence=task.fence)
    export.trouble = sentence
    _end(export, ExportState.FAILED)


def _end(export: ExportJob, state: ExportState) -> None:
    export.state, export.ended_at = state, clock.now()
    leases.done(export)
