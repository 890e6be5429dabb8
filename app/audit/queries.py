"""Reading the audit trail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.audit import people
from app.audit.models import AuditEvent
from app.kernel.clock import EAT
from app.kernel.database import db
from app.kernel.paging import Page, keyset
from app.kernel.reach import EVERYWHERE, Reach, Within


@dataclass(frozen=True, slots=True)
class Sought:
    """What an auditor looks for; what is None is left open."""

    who: str | None = None  # a name, a username, or the name of a job or provider
    action: str | None = None  # whole (members.registered) or only the room (members)
    record: str | None = None  # a name or number of what it was done to, as a person types it
    subject_type: str | None = None
    subject_id: str | None = None
    from_on: date | None = None  # days in Nairobi, both included
    to_on: date | None = None
    channel: str | None = None  # web, api, system, …
    address: str | None = None  # of the network
    request: str | None = None  # the number on the error page and in the log


def events(sought: Sought, *, within: Within = EVERYWHERE, after: str | None = None) -> Page[AuditEvent]:
    """One page of the trail, the newest first."""
    return keyset(selected(sought, within), by=[AuditEvent.at, AuditEvent.id], after=after)


def selected(sought: Sought, within: Within) -> Select[AuditEvent]:
    """Every row that fits, for a page or an export."""
    query = select(AuditEvent).where(*_reached(within))
    if sought.who:
        query = query.where(_by(sought.who))
    if sought.action:
        whole_room = AuditEvent.action.startswith(sought.action.rstrip(".") + ".", autoescape=True)
        query = query.where(or_(AuditEvent.action == sought.action, whole_room))
    if sought.record:
        query = query.where(_about(sought.record))
    if sought.subject_type:
        query = query.where(AuditEvent.subject_type == sought.subject_type)
    if sought.subject_id:
        query = query.where(AuditEvent.subject_id == sought.subject_id)
    if sought.from_on:
        query = query.where(AuditEvent.at >= midnight(sought.from_on))
    if sought.to_on:
        query = query.where(AuditEvent.at < midnight(sought.to_on + timedelta(days=1)))
    if sought.channel:
        query = query.where(AuditEvent.channel == sought.channel)
    if sought.address:
        query = query.where(AuditEvent.address == sought.address)
    if sought.request:
        query = query.where(AuditEvent.request_id == sought.request)
    return query


def names_for(shown: Collection[AuditEvent]) -> dict[tuple[str, str], str]:
    """What the actors of these rows are called, those they acted for, and what it was done to."""
    known = {event.actor for event in shown} | {event.subject for event in shown}
    known |= {event.asked_by for event in shown if event.asked_by}
    return people.names_of(known)


def actions() -> list[str]:
    """Every action that was ever recorded, for the filter."""
    # A loose index scan: from one action to the next, so the cost is that of the few names and not of all rows.
    first = select(AuditEvent.action).order_by(AuditEvent.action).limit(1).cte("step", recursive=True)
    following = (
        select(AuditEvent.action)
        .where(AuditEvent.action > first.c.action)
        .order_by(AuditEvent.action)
        .limit(1)
        .correlate(first)
        .scalar_subquery()
    )
    steps = first.union_all(select(following).where(first.c.action.is_not(None)))
    return list(db.session.scalars(select(steps.c.action).where(steps.c.action.is_not(None))))


def _reached(within: Within) -> list[ColumnElement[bool]]:
    """What somebody may read: the trail of a branch, or of what he did himself."""
    if within.reach is Reach.OWN:
        return [AuditEvent.actor_kind == "staff", AuditEvent.actor_id == str(within.staff_id)]
    return within.conditions(branch=AuditEvent.branch_id, carers=())


def _by(who: str) -> ColumnElement[bool]:
    meant = [
        and_(AuditEvent.actor_kind == kind, AuditEvent.actor_id == actor_id) for kind, actor_id in people.matching(who)
    ]
    return or_(AuditEvent.actor_id == who, *meant)


def _about(text: str) -> ColumnElement[bool]:
    meant = [
        and_(AuditEvent.subject_type == kind, AuditEvent.subject_id == its_id) for kind, its_id in people.matching(text)
    ]
    return or_(AuditEvent.subject_id == text, *meant)


def midnight(day: date) -> datetime:
    """When a day begins in Nairobi."""
    return datetime.combine(day, time.min, EAT)
