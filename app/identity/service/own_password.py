"""Passwords as their owners choose them."""

from __future__ import annotations

from uuid import UUID

from app import audit
from app.identity import passwords, queries
from app.identity.errors import PasswordRefused, StaffMissing
from app.identity.models import Staff
from app.identity.service import second_factor, sessions, sign_in
from app.identity.states import SessionEnd
from app.kernel.actor import Actor
from app.kernel.database import db


def change(staff_id: UUID, *, current: str, new: str, session_id: UUID, by: Actor) -> None:
    """Let somebody choose a new password; every other session of theirs ends. Refuses with PasswordRefused.

    The caller counts the try first, as at sign-in: an unattended screen must not be a place to guess at.
    """
    staff = db.session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if staff is None:
        raise StaffMissing
    if staff.password_hash is None or not passwords.matches(staff.password_hash, current):
        raise PasswordRefused({"current": "This is not your current password."})
    if passwords.matches(staff.password_hash, new):
        raise PasswordRefused({"new": "Choose a password that differs from the current one."})
    check(staff, new)
    set_to(staff, new)
    sessions.end_all(staff.id, SessionEnd.PASSWORD_CHANGED, but=session_id)
    sign_in.forgive(staff.username, address=by.address)
    subject, after = ("staff", staff.id), {"password": audit.CHANGED}
    audit.record("identity.password_changed", subject=subject, by=by, after=after, branch_id=staff.branch_id)


def check(staff: Staff, password: str) -> None:
    """Refuses with PasswordRefused what is short, known to attackers, or about the person or the place of work."""
    branch = queries.branch_names().get(staff.branch_id, "")
    about = [staff.username, *staff.name.split(), *branch.split()]
    problem = passwords.problem_with(password, is_alone=is_alone(staff.id), about=about)
    if problem:
        raise PasswordRefused({"new": problem})


def set_to(staff: Staff, password: str) -> None:
    """Store it."""
    staff.password_hash = passwords.hashed(password)


def is_alone(staff_id: UUID) -> bool:
    """Whether the password is all that this person shows at sign-in."""
    return not second_factor.is_required() and queries.second_factor_since(staff_id) is None
