"""The trail and the log of reads as tables to take away: exactly what the filter on the page finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select

from app.audit import queries, reads
from app.audit.models import AuditEvent, RecordView
from app.audit.schemas import Filter, ReadsFilter
from app.audit.service import record
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Conflict
from app.kernel.files import Kind, exports
from app.kernel.files.exports import Exporter, Inputs
from app.kernel.files.sheets import Row
from app.kernel.reach import Reach, Within

CHANGES, READS = "audit.changes", "audit.reads"
MOST_ROWS = 100_000
AT_ONCE = 500  # rows in memory, and names asked for together

Shown = TypeVar("Shown", AuditEvent, RecordView)


class TooMuchAtOnce(Conflict):
    """The filter finds more than one table should hold."""

    code = "too_many_rows"

    def __init__(self) -> None:
        super().__init__(
            f"This finds more than {MOST_ROWS:,} rows. Choose fewer days, and export them one after another."
        )


def install() -> None:
    """Let both be exported; called by ``create_app``."""
    exports.register(
        Exporter(
            CHANGES,
            "Audit trail",
            permission="audit.export",
            columns=(
                "When", "Who", "Kind", "Actor id", "For", "What", "Action", "To what", "Type", "Subject id", "Field",
                "Before", "After", "Channel", "Address", "Request", "Day of the seal", "Row",
            ),
            rows=_change_rows,
            count=lambda inputs, by: count(CHANGES, inputs),
        )
    )  # fmt: skip
    exports.register(
        Exporter(
            READS,
            "Reads of members' records",
            permission="audit.export",
            columns=(
                "Minute", "Who", "Actor id", "Whose record", "Record id", "Page", "Channel", "Address", "Session",
                "Request",
            ),
            rows=_read_rows,
            count=lambda inputs, by: count(READS, inputs),
        )
    )  # fmt: skip


def ask(name: str, chosen: Filter | ReadsFilter, within: Within, kind: Kind, *, by: Actor) -> UUID:
    """Have a table made of what the filter finds, and leave word of who took what away. Refuses with TooMuchAtOnce."""
    inputs: Inputs = {"filter": chosen.as_json, "within": _as_json(within)}
    if count(name, inputs) > MOST_ROWS:
        raise TooMuchAtOnce
    export_id = exports.ask(name, inputs, kind, by=by)
    after = {"table": name, "kind": kind, **chosen.as_json}
    record("audit.exported", subject=("export", export_id), by=by, after=after)
    return export_id


def count(name: str, inputs: Inputs) -> int:
    """How many rows there are; counting stops once there are too many."""
    query = _query(name, inputs).with_only_columns(func.row_number().over()).limit(MOST_ROWS + 1)
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _query(name: str, inputs: Inputs) -> Select[Any]:
    within = _within(inputs["within"])
    if name == CHANGES:
        return queries.selected(Filter.parse_json(inputs["filter"]).sought, within)
    return reads.selected(ReadsFilter.parse_json(inputs["filter"]).sought, within)


def _change_rows(inputs: Inputs, by: Actor) -> Iterator[Row]:
    """A row for each field that changed, so that a spreadsheet can sort and filter by it."""
    query = _query(CHANGES, inputs).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    for event, names in _named(query, queries.names_for):
        asked_by = names[event.asked_by] if event.asked_by else None
        who = (event.at, names[event.actor], event.actor_kind, event.actor_id, asked_by)
        what = (event.words, event.action, names[event.subject], event.subject_type, event.subject_id)
        where = (event.channel, event.address, event.request_id, event.filed_on, event.id)
        for field, before, after in event.changes or [(None, None, None)]:
            yield (*who, *what, field, _text(before), _text(after), *where)


def _read_rows(inputs: Inputs, by: Actor) -> Iterator[Row]:
    query = _query(READS, inputs).order_by(RecordView.at.desc(), RecordView.id.desc())
    for view, names in _named(query, reads.names_for):
        who = (view.at, names[view.actor], view.actor_id, names[view.subject], view.subject_id)
        yield (*who, view.words, view.channel, view.address, view.session_id, view.request_id)


def _named(query: Select[Any], names_for: Callable[[Any], dict[Any, str]]) -> Iterable[tuple[Any, dict[Any, str]]]:
    """The rows as the database hands them over, some at a time, with what everybody in them is called."""
    found = db.session.scalars(query.limit(MOST_ROWS).execution_options(yield_per=AT_ONCE))
    for some in found.partitions():
        names = names_for(some)
        for row in some:
            db.session.expunge(row)  # a hundred thousand rows must not all stay in memory
            yield row, names


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_json(within: Within) -> dict[str, Any]:
    return {
        "reach": within.reach.value if within.reach else None,
        "branch_id": within.branch_id,
        "staff_id": str(within.staff_id) if within.staff_id else None,
    }


def _within(kept: dict[str, Any]) -> Within:
    reach = Reach(kept["reach"]) if kept["reach"] else None
    return Within(reach, kept["branch_id"], UUID(kept["staff_id"]) if kept["staff_id"] else None)
