"""Who may decide: by a right of one's own, or by one that somebody who is away has lent.

Rights are read at the moment of the decision. A lent right is the lender's of that moment, so it can never be more than
his own, ends with it, and cannot be passed on: only what somebody's own roles give is lent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from app.approvals.errors import NoRightToDecide, OwnRequest
from app.approvals.models import Delegation
from app.approvals.registry import AnyCommand
from app.identity import queries as identity
from app.identity.principal import Colleague
from app.identity.rights import Right
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import Money
from app.kernel.reach import Whereabouts

STAFF = "staff:"


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody whose rights a person may decide by, and for which commands."""

    holder: Colleague
    lent: Delegation | None = None

    @property
    def principal(self) -> str:
        """How rows name whose right it is."""
        return f"{STAFF}{self.holder.staff_id}"

    def right(self, command: AnyCommand) -> Right | None:
        """What it gives for this command."""
        if self.lent and not self.lent.covers(command.name):
            return None
        return self.holder.right(command.decide_permission)

    def reaches(self, command: AnyCommand, place: Whereabouts) -> bool:
        """Whether its right extends to the record."""
        return self.right(command) is not None and self.holder.within(command.decide_permission).holds(place)


def staff_id_of(principal: str) -> UUID | None:
    """The member of staff that a principal names, if it names one."""
    return UUID(principal.removeprefix(STAFF)) if principal.startswith(STAFF) else None


def lent_to(staff_id: UUID, *, on: date) -> Sequence[Delegation]:
    """What others have lent somebody for this day."""
    return db.session.scalars(
        select(Delegation)
        .where(
            Delegation.stand_in_id == staff_id,
            Delegation.revoked_at.is_(None),
            Delegation.starts_on <= on,
            Delegation.ends_on >= on,
        )
        .order_by(Delegation.id)
    ).all()


def authorities(staff_id: UUID, *, on: date, steady: bool = False) -> list[Authority]:
    """By whose rights somebody may decide on this day, the own ones first; none for somebody who does not work here."""
    lent = lent_to(staff_id, on=on)
    here = identity.colleagues([staff_id, *(one.lender_id for one in lent)], steady=steady)
    if staff_id not in here:
        return []
    return [Authority(here[staff_id])] + [Authority(here[one.lender_id], one) for one in lent if one.lender_id in here]


def to_decide(
    command: AnyCommand,
    place: Whereabouts | None,
    amount: Money | None,
    *,
    by: Actor,
    on: date,
    maker: str,
    used: Iterable[str],
    steady: bool = True,
) -> Authority:
    """The right by which ``by`` decides, if there is one.

    The maker's right is of no use, whoever borrowed it, nor is one that somebody ``used`` for this already. A page that
    only says who would decide needs nothing ``steady``. Refuses with OwnRequest and NoRightToDecide.
    """
    staff_id = staff_id_of(by.principal)
    if staff_id is None:
        raise NoRightToDecide("Only a member of staff decides.")
    if by.principal == maker:
        raise OwnRequest
    useless = {maker, *used}
    all_of_them = [one for one in authorities(staff_id, on=on, steady=steady) if one.principal not in useless]
    reaching = [one for one in all_of_them if place is not None and one.reaches(command, place)]
    if not reaching:
        raise NoRightToDecide("You have no right to decide this.")
    able = [one for one in reaching if amount is None or _covers(one.right(command), amount)]
    if not able:
        raise NoRightToDecide(f"{amount} is more than you may decide about.")
    return able[0]


def _covers(right: Right | None, amount: Money) -> bool:
    return right is not None and right.covers(amount)
