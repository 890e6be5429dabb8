"""The life of a member of staff here: created, given roles, suspended, reinstated, gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.identity import followers, queries
from app.identity.errors import OwnAccess, SessionMissing, StaffMissing, StatusNotPossible, StillLooksAfter
from app.identity.models import Role, Staff, StaffRole
from app.identity.schemas import normal_username
from app.identity.service import in_charge, invitations, second_factor, sessions, sign_in, tokens
from app.identity.service.authority import authorise, check_gift
from app.identity.states import STATUS_MOVES, InvitationKind, SessionEnd, StaffStatus
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.reach import Whereabouts
from config import Settings

PERMISSION = "identity.manage_users"


@dataclass(frozen=True, slots=True)
class Created:
    """A new member of staff, and the one-time code to hand over, with which the person chooses a password."""

    staff_id: UUID
    code: str


def create(*, username: str, name: str, branch_id: int, roles: Collection[str], by: Actor) -> Created:
    """Invite somebody to work here: there is no password until the person has chosen one.

    Refuses with Invalid where the username is taken, or a role or the branch does not exist.
    """
    staff_id = _insert(username=username, name=name, branch_id=branch_id, roles=roles, password_hash=None, by=by)
    return Created(staff_id, invitations.make(staff_id, InvitationKind.INVITATION))


def create_demonstration(*, username: str, name: str, branch_id: int, role: str, password_hash: str, by: Actor) -> UUID:
    """Make a user whose password everybody knows: in the sandbox only, see `config.SANDBOX_RELAXATIONS`.

    Takes the hash: all of them have one password, and hashing is slow on purpose.
    """
    settings: Settings = current_app.extensions["settings"]
    assert "C67" in settings.relaxations, "production has no users with a known password"
    return _insert(username=username, name=name, branch_id=branch_id, roles=[role], password_hash=password_hash, by=by)


def change_details(staff_id: UUID, *, name: str, branch_id: int, by: Actor) -> None:
    """Correct somebody's name or move them to another branch. Refuses with StaffMissing and Invalid."""
    staff = _get(staff_id)
    _authorise(by, staff)
    _check_branch(branch_id, by)
    before = {"name": staff.name, "branch_id": staff.branch_id}
    staff.name, staff.branch_id = name, branch_id
    _record("identity.details_changed", staff, before, {"name": name, "branch_id": branch_id}, by)


def set_roles(staff_id: UUID, roles: Collection[str], *, by: Actor) -> None:
    """Give somebody exactly these roles, from the next request on.

    Refuses with StaffMissing, OwnAccess, Invalid and LastAdministrator.
    """
    with in_charge.kept(staff_id):
        staff = _get(staff_id)
        _authorise(by, staff)
        _not_oneself(staff, by)
        wanted = _roles(roles)
        check_gift(by, [role.rights for role in wanted])
        before = {"roles": [role.code for role in staff.roles]}
        staff.roles = wanted
    _record("identity.roles_changed", staff, before, {"roles": [role.code for role in wanted]}, by)


def set_status(staff_id: UUID, status: StaffStatus, *, by: Actor, successor: UUID | None = None) -> None:
    """Suspend, reinstate or let go. Whoever may no longer sign in loses every session at once, and tokens do nothing.

    Who leaves hands the members over to ``successor``. Refuses with StaffMissing, OwnAccess, StatusNotPossible,
    LastAdministrator, StillLooksAfter and Invalid.
    """
    with in_charge.kept(staff_id):
        staff = _get(staff_id)
        _authorise(by, staff)
        _not_oneself(staff, by)
        if status is staff.status:
            return
        if status not in STATUS_MOVES[staff.status]:
            raise StatusNotPossible(f"{staff.name} is marked as {staff.status.label.lower()}; that cannot be changed.")
        before = {"status": staff.status}
        staff.status = status
    if not status.may_sign_in:
        sessions.end_all(staff.id, SessionEnd.ACCESS_WITHDRAWN)
        invitations.withdraw(staff.id)
    after: dict[str, object] = {"status": status}
    if status is StaffStatus.LEFT:
        after |= _clear_desk(staff, successor, by=by)
    _record("identity.status_changed", staff, before, after, by)


def _clear_desk(staff: Staff, successor: UUID | None, *, by: Actor) -> dict[str, object]:
    """What somebody who leaves leaves behind: members for somebody else, tokens and secrets for nobody."""
    tokens.revoke_all(staff.id, by=by)
    second_factor.forget(staff.id)
    count = followers.looked_after(staff.id)
    if not count:
        return {}
    if successor is None:
        raise StillLooksAfter(count)
    if successor == staff.id:
        raise Invalid({"successor": "Choose somebody else."})
    heir = db.session.get(Staff, successor, with_for_update={"read": True}, populate_existing=True)
    if heir is None or not heir.status.may_sign_in:
        raise Invalid({"successor": "Choose somebody who works here."})
    followers.hand_over(staff.id, heir.id, by)
    return {"handed_over": count, "successor": heir.id}


def invite_again(staff_id: UUID, *, by: Actor) -> str:
    """Give somebody a new one-time code with which to choose a password; the password of before is worthless at once.

    A second factor stays as it is, and the code alone opens no session. Refuses with StaffMissing, OwnAccess and
    StatusNotPossible.
    """
    staff = _get(staff_id)
    _authorise(by, staff)
    _not_oneself(staff, by)
    if not staff.status.may_sign_in:
        raise StatusNotPossible(f"{staff.name} is marked as {staff.status.label.lower()} and needs no password.")
    kind = InvitationKind.INVITATION if staff.password_hash is None else InvitationKind.RESET
    staff.password_hash = None
    sessions.end_all(staff.id, SessionEnd.PASSWORD_CHANGED)
    sign_in.forgive(staff.username, address=None)
    _record("identity.password_reset", staff, {}, {"password": audit.CHANGED}, by)
    return invitations.make(staff.id, kind)


def end_session(staff_id: UUID, session_id: UUID, *, by: Actor) -> None:
    """Sign somebody out in one browser. Refuses with StaffMissing and SessionMissing."""
    staff = _get(staff_id)
    is_own = by.kind == "staff" and by.id == str(staff_id)
    if not is_own:
        _authorise(by, staff)
    reason = SessionEnd.ENDED_BY_OWNER if is_own else SessionEnd.ENDED_BY_ADMINISTRATOR
    if not sessions.end_one_of(staff.id, session_id, reason):
        raise SessionMissing
    _record("identity.session_ended", staff, {}, {"session": session_id}, by)


def end_other_sessions(staff_id: UUID, *, but: UUID, by: Actor) -> int:
    """Sign oneself out everywhere else; returns how many sessions were alive."""
    ended = sessions.end_all(staff_id, SessionEnd.ENDED_BY_OWNER, but=but)
    _record("identity.sessions_ended", _get(staff_id), {}, {"sessions": ended}, by)
    return ended


def end_sessions(staff_id: UUID, *, by: Actor) -> int:
    """Sign somebody out everywhere; returns how many sessions were alive. Refuses with StaffMissing."""
    staff = _get(staff_id)
    _authorise(by, staff)
    ended = sessions.end_all(staff.id, SessionEnd.ENDED_BY_ADMINISTRATOR)
    _record("identity.sessions_ended", staff, {}, {"sessions": ended}, by)
    return ended


def _insert(
    *, username: str, name: str, branch_id: int, roles: Collection[str], password_hash: str | None, by: Actor
) -> UUID:
    authorise(by, PERMISSION)
    wanted = _roles(roles)
    check_gift(by, [role.rights for role in wanted])
    _check_branch(branch_id, by)
    # Claimed by the insert itself: of two administrators who choose the same username at once, one is told.
    staff_id = db.session.scalar(
        insert(Staff)
        .values(
            username=normal_username(username),
            name=name,
            branch_id=branch_id,
            status=StaffStatus.ACTIVE,
            password_hash=password_hash,
        )
        .on_conflict_do_nothing(index_elements=[Staff.username])
        .returning(Staff.id)
    )
    if staff_id is None:
        raise Invalid({"username": "Somebody has this username already. Choose another."})
    db.session.execute(insert(StaffRole).values([{"staff_id": staff_id, "role_code": role.code} for role in wanted]))
    after = {"username": normal_username(username), "name": name, "roles": [role.code for role in wanted]}
    _record("identity.staff_created", _get(staff_id), {}, after, by)
    return staff_id


def _get(staff_id: UUID) -> Staff:
    staff = db.session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if staff is None:
        raise StaffMissing
    return staff


def _authorise(by: Actor, staff: Staff) -> None:
    authorise(by, PERMISSION, whereabouts=Whereabouts(staff.branch_id, staff.id))


def _not_oneself(staff: Staff, by: Actor) -> None:
    if by.kind == "staff" and by.id == str(staff.id):
        raise OwnAccess


def _roles(codes: Collection[str]) -> list[Role]:
    found = list(
        db.session.scalars(
            select(Role)
            .where(Role.code.in_(codes), Role.retired_at.is_(None))
            .order_by(Role.position)
            .with_for_update(read=True)  # a role is not retired while it is being given
        )
    )
    if not codes or len(found) != len(set(codes)):
        raise Invalid({"roles": "Choose at least one role."})
    return found


def _check_branch(branch_id: int, by: Actor) -> None:
    within = authorise(by, PERMISSION)
    if branch_id not in queries.branch_names() or not within.holds(Whereabouts(branch_id)):
        raise Invalid({"branch_id": "Choose one of the branches."})


def _record(action: str, staff: Staff, before: Mapping[str, object], after: Mapping[str, object], by: Actor) -> None:
    was, now = audit.differences(before, after)
    audit.record(action, subject=("staff", staff.id), by=by, before=was, after=now, branch_id=staff.branch_id)
