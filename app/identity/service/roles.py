"""Roles as the society wants them: what each may do, new ones, and those that nobody is given any more."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import func, select

from app import audit
from app.identity import queries
from app.identity.errors import OwnRole, RoleHeld, RoleMissing, RoleRetired, StaleRole
from app.identity.models import Permission, Role, RolePermission
from app.identity.rights import Right
from app.identity.role_sheets import RoleSheet
from app.identity.service import in_charge
from app.identity.service.authority import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid

PERMISSION = "identity.manage_roles"


def check(sheet: RoleSheet) -> None:
    """Refuse what could not be made: a role that is gone or has changed, a name that is taken, a made-up permission.

    Refuses with RoleMissing, RoleRetired, StaleRole and Invalid.
    """
    if sheet.code is not None:
        _check_version(_known(sheet.code), sheet.version)
    if _taken(sheet.label, but=sheet.code):
        raise Invalid({"label": "Another role has this name."})
    unknown = sheet.rights.keys() - set(db.session.scalars(select(Permission.code)))
    if unknown:
        raise Invalid({f"reach.{permission}": "There is no such permission." for permission in sorted(unknown)})


def put(sheet: RoleSheet, *, by: Actor) -> str:
    """Make a role, or have a role be like this from everybody's next request on; returns its code.

    Nobody changes a role that is his own, and whoever approves it has it neither: rights are given by others. Refuses
    with what `check` refuses, OwnRole, and LastAdministrator.
    """
    authorise(by, PERMISSION)
    check(sheet)
    with in_charge.kept():
        role = _locked(sheet.code) if sheet.code else _new(sheet.label)
        if sheet.code:
            _check_version(role, sheet.version)
            _check_not_own(role, by)
            role.version += 1
        before = _said(role)
        role.label, role.description = sheet.label, sheet.description
        _give(role, sheet.rights)
    was, now = audit.differences(before, _said(role))
    audit.record(
        "identity.role_changed" if sheet.code else "identity.role_created",
        subject=("role", role.code), by=by, before=was, after=now,
    )  # fmt: skip
    return role.code


def retire(code: str, *, version: int, by: Actor) -> None:
    """Have a role no longer be given to anybody. Nobody may have it any more: whoever does is given another first.

    Refuses with RoleMissing, RoleRetired, StaleRole and RoleHeld.
    """
    authorise(by, PERMISSION)
    role = _locked(code)  # who is given it meanwhile waits for us, see `staff._roles`
    _check_version(role, version)
    holders = queries.holders_of(code)
    if holders:
        raise RoleHeld(role.label, len(holders))
    role.retired_at, role.version = clock.now(), role.version + 1
    audit.record(
        "identity.role_retired", subject=("role", code), by=by, before={"retired": "no"}, after={"retired": "yes"}
    )


def _known(code: str) -> Role:
    role = db.session.get(Role, code, populate_existing=True)
    if role is None:
        raise RoleMissing
    return role


def _locked(code: str) -> Role:
    role = db.session.get(Role, code, with_for_update=True, populate_existing=True)
    if role is None:
        raise RoleMissing
    return role


def _check_version(role: Role, version: int) -> None:
    if role.retired_at is not None:
        raise RoleRetired(role.label)
    if role.version != version:
        raise StaleRole


def _check_not_own(role: Role, by: Actor) -> None:
    """Refuse whoever has the role himself, also the one who approved it."""
    people = {by.id} if by.kind == "staff" else set()
    if by.on_behalf_of and by.on_behalf_of.startswith("staff:"):
        people.add(by.on_behalf_of.removeprefix("staff:"))
    if people & {str(staff_id) for staff_id in queries.holders_of(role.code)}:
        raise OwnRole


def _new(label: str) -> Role:
    position = (db.session.scalar(select(func.max(Role.position))) or 0) + 1
    role = Role(code=_code(label), label=label, description="", position=position, version=1)
    db.session.add(role)
    db.session.flush()  # what it may do is stored under its code
    return role


def _code(label: str) -> str:
    """A name for the database that nothing else has: the label, without what does not stand in an address."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or "role"
    known = set(db.session.scalars(select(Role.code).where(Role.code.startswith(plain, autoescape=True))))
    return next(
        code
        for number in range(1, len(known) + 2)
        if (code := plain if number == 1 else f"{plain}_{number}") not in known
    )


def _taken(label: str, *, but: str | None) -> bool:
    same = select(Role.code).where(func.lower(Role.label) == label.lower(), Role.retired_at.is_(None))
    return any(code != but for code in db.session.scalars(same))


def _give(role: Role, wanted: Mapping[str, Right]) -> None:
    """Have the role give exactly these rights."""
    known = {grant.permission_code: grant for grant in role.grants}
    for code, grant in known.items():
        if code not in wanted:
            role.grants.remove(grant)
    for code, right in wanted.items():
        if code in known:
            known[code].reach, known[code].limit = right.reach, right.limit
        else:
            role.grants.append(RolePermission(permission_code=code, reach=right.reach, limit=right.limit))
    db.session.flush()  # whether somebody is left in charge is asked of the database


def _said(role: Role) -> dict[str, object]:
    """A role as the audit trail tells of it: its words, and each right by permission."""
    rights = {grant.permission_code: in_words(Right(grant.reach, grant.limit)) for grant in role.grants}
    return {"label": role.label, "description": role.description, **rights}


def in_words(right: Right | None) -> str | None:
    """How far a right extends, and up to which amount: "Own branch, up to KES 50,000.00"."""
    if right is None:
        return None
    return right.reach.label if right.limit is None else f"{right.reach.label}, up to {right.limit}"
