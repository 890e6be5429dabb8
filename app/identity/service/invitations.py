"""One-time codes with which somebody chooses a password: handed over by an administrator, good for a day, used once.

The code is typed, not clicked: an address with a secret in it would stay in the logs of every proxy on the way.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from app import audit
from app.identity import one_time, rules
from app.identity.errors import InvitationNotGood
from app.identity.hashes import invitation_hash
from app.identity.models import Staff, StaffInvitation
from app.identity.schemas import normal_username
from app.identity.service import own_password, sessions, sign_in
from app.identity.states import InvitationKind, SessionEnd
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db

GROUPS = 4  # about 99 bits


def make(staff_id: UUID, kind: InvitationKind) -> str:
    """Make a code for somebody and return it, to be shown this once; the one of before is worthless."""
    withdraw(staff_id)
    code, instant = one_time.made(GROUPS), clock.now()
    db.session.add(
        StaffInvitation(
            staff_id=staff_id,
            kind=kind,
            code_hash=invitation_hash(staff_id, code),
            made_at=instant,
            expires_at=instant + rules.INVITATION_LIFE,
        )
    )
    return code


def withdraw(staff_id: UUID) -> None:
    """Make the code that somebody was given worthless, if there is one."""
    db.session.execute(
        update(StaffInvitation)
        .where(StaffInvitation.staff_id == staff_id, StaffInvitation.closed_at.is_(None))
        .values(closed_at=clock.now())
    )


def take_up(username: str, code: str, password: str, *, address: str | None) -> None:
    """Let whoever holds the code choose a password. That opens no session: signing in follows, with all its steps.

    The caller counts the try first, as at sign-in. Refuses with InvitationNotGood, whatever is not right about name
    and code, and with PasswordRefused, which leaves the code good.
    """
    staff = db.session.scalar(
        select(Staff)
        .where(Staff.username == normal_username(username))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if staff is None or not staff.status.may_sign_in:
        raise InvitationNotGood
    kind = _use(staff.id, code)
    own_password.check(staff, password)  # only now: whoever has no code learns nothing about who works here
    own_password.set_to(staff, password)
    sessions.end_all(staff.id, SessionEnd.PASSWORD_CHANGED)
    sign_in.forgive(staff.username, address=address)
    by = Actor("staff", str(staff.id), "web", address)
    after = {"password": audit.CHANGED, "with": kind}
    audit.record("identity.password_chosen", subject=("staff", staff.id), by=by, after=after, branch_id=staff.branch_id)


def _use(staff_id: UUID, code: str) -> InvitationKind:
    instant = clock.now()
    kind: InvitationKind | None = db.session.scalar(
        update(StaffInvitation)
        .where(
            StaffInvitation.staff_id == staff_id,
            StaffInvitation.code_hash == invitation_hash(staff_id, one_time.normal(code)),
            StaffInvitation.closed_at.is_(None),
            StaffInvitation.expires_at > instant,
        )
        .values(closed_at=instant)
        .returning(StaffInvitation.kind)
    )
    if kind is None:
        raise InvitationNotGood
    return kind
