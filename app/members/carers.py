"""Who looks after members, when somebody who did leaves the society's service."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select, update

from app import audit
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.members.models import Member
from app.members.states import MemberStatus

OPEN = [status for status in MemberStatus if status.is_open]


def looked_after(staff_id: UUID) -> int:
    """How many members somebody looks after, as loan officer or in the field."""
    return db.session.scalar(select(func.count()).select_from(Member).where(*_of(staff_id))) or 0


def hand_over(staff_id: UUID, to: UUID, by: Actor) -> None:
    """Have everybody whom one person looks after looked after by another; each member's trail says so."""
    theirs = select(Member.id).where(*_of(staff_id)).order_by(Member.id).with_for_update()
    locked = db.session.scalars(theirs).all()  # in order, as whoever edits several members does
    changed = (
        update(Member)
        .where(Member.id.in_(locked))
        .values(
            officer_id=case((Member.officer_id == staff_id, to), else_=Member.officer_id),
            agent_id=case((Member.agent_id == staff_id, to), else_=Member.agent_id),
            updated_at=clock.now(),
            version=Member.version + 1,
        )
        .returning(Member.id, Member.branch_id)
    )
    for row in db.session.execute(changed, execution_options={"synchronize_session": False}):
        audit.record(
            "members.handed_over",
            subject=("member", row.id),
            by=by,
            before={"looked_after_by": staff_id},
            after={"looked_after_by": to},
            branch_id=row.branch_id,
        )


def _of(staff_id: UUID) -> list[ColumnElement[bool]]:
    return [or_(Member.officer_id == staff_id, Member.agent_id == staff_id), Member.status.in_(OPEN)]
