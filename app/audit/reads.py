"""Who looked at whose record. A view says what it shows; the shell writes it down once the page is ready to leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import people
from app.audit.models import RecordView
from app.audit.queries import midnight
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.paging import Page, keyset

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


def write(views: Collection[Seen], *, session_id: UUID | None = None) -> None:
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
            "session_id": session_id,
            "address": seen.by.address,
            "what": seen.what,
            "request_id": request_id,
        }
        for seen in views
    ]
    if rows:
        db.session.execute(insert(RecordView).on_conflict_do_nothing(), rows)


def views(sought: SoughtViews, *, after: str | None = None, size: int = 25) -> Page[RecordView]:
    """One page of who saw what, the newest first."""
    query = select(RecordView)
    if sought.who:
        meant = people.matching(sought.who)
        by = [and_(RecordView.actor_kind == kind, RecordView.actor_id == its_id) for kind, its_id in meant]
        query = query.where(or_(RecordView.actor_id == sought.who, *by))
    if sought.record:
        meant = people.matching(sought.record)
        about = [and_(RecordView.subject_type == kind, RecordView.subject_id == its_id) for kind, its_id in meant]
        query = query.where(or_(RecordView.subject_id == sought.record, *about))
    if sought.subject_id:
        query = query.where(RecordView.subject_id == sought.subject_id)
    if sought.session:
        query = query.where(RecordView.session_id == sought.session)
    if sought.from_on:
        query = query.where(RecordView.at >= midnight(sought.from_on))
    if sought.to_on:
        query = query.where(RecordView.at < midnight(sought.to_on + timedelta(days=1)))
    return keyset(query, by=[RecordView.at, RecordView.id], after=after, size=size)


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
