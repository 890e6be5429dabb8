"""Who looked at whose record. A view says what it shows; the shell writes it down once the page is ready to leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import people
from app.audit.models import RecordView
from app.audit.queries import midnight
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.paging import Page, keyset
from app.kernel.reach import EVERYWHERE, Reach, Within

Subject = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """That somebody is about to see a record."""

    subject_type: str
    subject_id: str
    by: Actor
    what: str


@dataclass(frozen=True, slots=True)
class SoughtViews:
    """Whose reading, or the reading of whose record, is looked for; what is None is left open."""

    who: str | None = None
    record: str | None = None
    subject_id: str | None = None
    session: UUID | None = None
    from_on: date | None = None  # days in Nairobi, both included
    to_on: date | None = None


def viewed(subject: Subject, *, by: Actor, what: str) -> None:
    """Note that ``by`` is shown the record of a subject (type, id): ``what`` names the page, list or export.

    In a request it is written after the page is rendered, and only if it is shown; elsewhere in the caller's
    transaction.
    """
    seen = Seen(subject[0], str(subject[1]), by, what)
    if has_request_context():
        g.setdefault("records_seen", []).append(seen)
    else:
        write([seen])


def take_noted() -> list[Seen]:
    """What this request has noted, taken once."""
    noted: list[Seen] = g.pop("records_seen", [])
    return list(dict.fromkeys(noted))


def write(views: Collection[Seen], *, session_id: UUID | None = None, branch_id: int | None = None) -> None:
    """Write down who saw what: one row for each reader, record, page and minute, however often it was looked at."""
    minute = clock.now().replace(second=0, microsecond=0)
    request_id = g.get("request_id")
    rows = [
        {
            "at": minute,
            "subject_type": seen.subject_type,
            "subject_id": seen.subject_id,
            "actor_kind": seen.by.kind,
            "actor_id": seen.by.id,
            "channel": seen.by.channel,
            "branch_id": branch_id,
            "session_id": session_id,
            "address": seen.by.address,
            "what": seen.what,
            "request_id": request_id,
        }
        for seen in views
    ]
    if rows:
        db.session.execute(insert(RecordView).on_conflict_do_nothing(), rows)


def views(sought: SoughtViews, *, within: Within = EVERYWHERE, after: str | None = None) -> Page[RecordView]:
    """One page of who saw what, the newest first."""
    return keyset(selected(sought, within), by=[RecordView.at, RecordView.id], after=after)


def selected(sought: SoughtViews, within: Within) -> Select[RecordView]:
    """Every row that fits, for a page or an export; ``within`` narrows it to what a branch's people read."""
    query = select(RecordView).where(*_reached(within))
    if sought.who:
        query = query.where(_one_of(sought.who, RecordView.actor_kind, RecordView.actor_id))
    if sought.record:
        query = query.where(_one_of(sought.record, RecordView.subject_type, RecordView.subject_id))
    if sought.subject_id:
        query = query.where(RecordView.subject_id == sought.subject_id)
    if sought.session:
        query = query.where(RecordView.session_id == sought.session)
    if sought.from_on:
        query = query.where(RecordView.at >= midnight(sought.from_on))
    if sought.to_on:
        query = query.where(RecordView.at < midnight(sought.to_on + timedelta(days=1)))
    return query


def _reached(within: Within) -> list[ColumnElement[bool]]:
    if within.reach is Reach.OWN:
        return [RecordView.actor_kind == "staff", RecordView.actor_id == str(within.staff_id)]
    return within.conditions(branch=RecordView.branch_id, carers=())


def _one_of(text: str, kind: Any, its_id: Any) -> ColumnElement[bool]:
    """Whom or what a person may mean by ``text``, or the id itself."""
    meant = [and_(kind == one_kind, its_id == one_id) for one_kind, one_id in people.matching(text)]
    return or_(its_id == text, *meant)


def of_record(subject: Subject, *, latest: int) -> Sequence[RecordView]:
    """Who looked at one record last."""
    query = (
        select(RecordView)
        .where(RecordView.subject_type == subject[0], RecordView.subject_id == str(subject[1]))
        .order_by(RecordView.at.desc(), RecordView.id.desc())
        .limit(latest)
    )
    return db.session.scalars(query).all()


def names_for(shown: Collection[RecordView]) -> dict[tuple[str, str], str]:
    """What readers and those whose records they saw are called."""
    return people.names_of({view.actor for view in shown} | {view.subject for view in shown})
