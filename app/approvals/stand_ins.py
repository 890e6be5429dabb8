"""Somebody who is away lends the right to decide, for some days and, if so wished, for some commands only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from app import audit
from app.approvals import authority, registry
from app.approvals.errors import DelegationMissing, NothingToLend
from app.approvals.models import Delegation
from app.approvals.registry import AnyCommand
from app.approvals.schemas import StandIn
from app.identity import queries as identity
from app.identity.principal import Colleague, Holder
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.reach import COMMON, Whereabouts

LONGEST = timedelta(days=92)  # whoever is away for longer than a quarter needs a successor


def lend(values: StandIn, *, on: date, by: Actor) -> UUID:
    """Have somebody decide in one's own place. Refuses with NothingToLend and Invalid."""
    staff_id = authority.staff_id_of(by.principal)
    here = identity.colleagues([values.stand_in, *([staff_id] if staff_id else [])])
    if staff_id is None or staff_id not in here:
        raise NothingToLend
    own = {command.name for command in decided_by(here[staff_id])}
    if not own:
        raise NothingToLend
    _check(values, own, here, on=on, lender=staff_id)
    lent = Delegation(
        lender_id=staff_id,
        stand_in_id=values.stand_in,
        starts_on=values.starts_on,
        ends_on=values.ends_on,
        commands=values.chosen,
        reason=values.reason,
    )
    db.session.add(lent)
    db.session.flush()  # the audit row names it
    _record("lent", lent, by)
    return lent.id


def revoke(delegation_id: UUID, *, by: Actor) -> None:
    """Take the right back, at once; the stand-in may also give it back. Refuses with DelegationMissing."""
    lent = db.session.get(Delegation, delegation_id, with_for_update=True, populate_existing=True)
    if lent is None or authority.staff_id_of(by.principal) not in (lent.lender_id, lent.stand_in_id):
        raise DelegationMissing
    if lent.revoked_at is None:
        lent.revoked_at, lent.revoked_by = clock.now(), by.principal
        _record("taken_back", lent, by)


def whereabouts(delegation_id: UUID) -> Whereabouts | None:
    """For the gate: the two people whom it concerns may end it wherever they work, and `revoke` asks who they are."""
    return COMMON if db.session.get(Delegation, delegation_id) else None


def decided_by(person: Holder) -> list[AnyCommand]:
    """What somebody may decide by the own roles."""
    return [command for command in registry.every() if person.may(command.decide_permission)]


def concerning(staff_id: UUID | None, *, on: date) -> Sequence[Delegation]:
    """What holds or will hold: of one person, lent or borrowed, or of everybody; the latest first."""
    query = select(Delegation).where(Delegation.revoked_at.is_(None), Delegation.ends_on >= on)
    if staff_id is not None:
        query = query.where(or_(Delegation.lender_id == staff_id, Delegation.stand_in_id == staff_id))
    return db.session.scalars(query.order_by(Delegation.starts_on.desc(), Delegation.id.desc()).limit(100)).all()


def _check(values: StandIn, own: set[str], here: dict[UUID, Colleague], *, on: date, lender: UUID) -> None:
    errors = {}
    if values.stand_in == lender:
        errors["stand_in"] = "Choose somebody else."
    elif values.stand_in not in here:
        errors["stand_in"] = "Choose somebody who works here."
    if values.starts_on < on:
        errors["starts_on"] = "It starts today or later."
    if values.ends_on < values.starts_on:
        errors["ends_on"] = "The last day comes after the first."
    elif values.ends_on - values.starts_on > LONGEST:
        errors["ends_on"] = f"At most {LONGEST.days} days."
    if set(values.chosen or ()) - own:
        errors["commands"] = "You can only lend what you may decide yourself."
    if errors:
        raise Invalid(errors)


def _record(verb: str, lent: Delegation, by: Actor) -> None:
    audit.record(
        f"approvals.right_{verb}",
        subject=("staff", lent.stand_in_id),
        by=by,
        after={
            "lender": lent.lender_id,
            "starts_on": lent.starts_on,
            "ends_on": lent.ends_on,
            "commands": lent.commands or "all",
        },
    )
