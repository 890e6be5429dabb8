"""Somebody must always be able to manage the users: two administrators cannot shut each other out at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Select, select

from app.identity.errors import LastAdministrator
from app.identity.models import RolePermission, Staff, StaffRole
from app.identity.states import StaffStatus
from app.kernel.database import db

IN_CHARGE = "identity.manage_users"


@contextmanager
def kept(staff_id: UUID) -> Iterator[None]:
    """What is done to this person within leaves somebody in charge, or is refused with LastAdministrator.

    All who are in charge are locked first, in one order, so that of two who take it from each other one waits, and
    then sees what the other did.
    """
    db.session.scalars(_those_in_charge().order_by(Staff.id).with_for_update(of=Staff)).all()
    was_in_charge = db.session.scalar(_those_in_charge().where(Staff.id == staff_id)) is not None
    yield
    db.session.flush()  # the question below must see the change
    if was_in_charge and db.session.scalar(_those_in_charge().limit(1)) is None:
        raise LastAdministrator


def _those_in_charge() -> Select[tuple[UUID]]:
    """Who may manage users and can sign in to do it. Asked anew each time: a lock shows rows as they were before it."""
    holds = (
        select(StaffRole.staff_id)
        .join(RolePermission, RolePermission.role_code == StaffRole.role_code)
        .where(StaffRole.staff_id == Staff.id, RolePermission.permission_code == IN_CHARGE)
    )
    return select(Staff.id).where(Staff.status == StaffStatus.ACTIVE, Staff.password_hash.is_not(None), holds.exists())
