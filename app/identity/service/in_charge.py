"""Somebody must always be able to manage users and roles: two administrators cannot shut each other out at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Select, select

from app.identity.errors import LastAdministrator
from app.identity.models import RolePermission, Staff, StaffRole
from app.identity.states import StaffStatus
from app.kernel.database import db
from app.kernel.reach import Reach

IN_CHARGE = ("identity.manage_users", "identity.manage_roles")


@contextmanager
def kept(staff_id: UUID | None = None) -> Iterator[None]:
    """What is done to this person (none: to a role) within leaves somebody in charge, else LastAdministrator.

    All who are in charge are locked first, in one order, so that of two who take it from each other one waits, and
    then sees what the other did.
    """
    db.session.scalars(_those_in_charge().order_by(Staff.id).with_for_update(of=Staff)).all()
    affected = _those_in_charge() if staff_id is None else _those_in_charge().where(Staff.id == staff_id)
    was_in_charge = db.session.scalar(affected.limit(1)) is not None
    yield
    db.session.flush()  # the question below must see the change
    if was_in_charge and db.session.scalar(_those_in_charge().limit(1)) is None:
        raise LastAdministrator


def _those_in_charge() -> Select[UUID]:
    """Who may manage users and roles everywhere and can sign in to do it.

    Asked anew each time: a lock shows rows as they were before it.
    """
    holds = [
        select(StaffRole.staff_id)
        .join(RolePermission, RolePermission.role_code == StaffRole.role_code)
        .where(
            StaffRole.staff_id == Staff.id,
            RolePermission.permission_code == permission,
            RolePermission.reach == Reach.SOCIETY,
        )
        .exists()
        for permission in IN_CHARGE
    ]
    return select(Staff.id).where(Staff.status == StaffStatus.ACTIVE, Staff.password_hash.is_not(None), *holds)
