"""Signing in, in three steps: count the try, check the password with no transaction open, open the session."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app import audit
from app.identity import passwords, queries
from app.identity.errors import WrongSignIn
from app.identity.hashes import address_hash, username_hash
from app.identity.models import Staff
from app.identity.schemas import normal_username
from app.identity.service import second_factor, sessions, tries
from app.identity.states import CounterKind, SessionState
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db

DOOR = "sign-in"  # who acts while nobody is signed in


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whom a username means, and the hash that the password is held against."""

    staff_id: UUID | None
    password_hash: str


NOBODY = Candidate(None, passwords.NOBODY)
"""Whom a username means that is unknown, suspended or without a password: one is checked all the same, and as long."""


def begin(username: str, *, address: str | None, known: str | None = None) -> Candidate:
    """Count a try before the password is looked at, so that any number of tries at once are counted one by one.

    Unknown usernames are counted like known ones: the answer tells nobody who works here. ``known`` is the mark of a
    browser in which this person has signed in before: whoever guesses elsewhere does not lock it. Refuses with
    TooManyTries.
    """
    count_try(username, address=address, known=known)
    staff = queries.by_username(username)
    if staff is None or staff.password_hash is None or not staff.status.may_sign_in:
        return NOBODY
    return Candidate(staff.id, staff.password_hash)


def check(candidate: Candidate, password: str) -> None:
    """Whether this is the password. Slow on purpose, so it is done with no transaction open.

    Refuses with WrongSignIn for whatever reason.
    """
    if not passwords.matches(candidate.password_hash, password) or candidate is NOBODY:
        raise WrongSignIn


def enter(
    candidate: Candidate, password: str, *, address: str | None, browser: str | None, known: str | None = None
) -> str:
    """Open a session for a person whose password was right, and return its token.

    It is only half open where a second factor must follow.

    Refuses with WrongSignIn if the person may no longer sign in, or has another password since.
    """
    staff = db.session.get(Staff, candidate.staff_id, with_for_update=True, populate_existing=True)
    if staff is None or staff.password_hash != candidate.password_hash or not staff.status.may_sign_in:
        raise WrongSignIn
    if passwords.is_outdated(staff.password_hash):
        staff.password_hash = passwords.hashed(password)
    forgive(staff.username, address=address, known=known)
    by = Actor("staff", str(staff.id), "web", address)
    is_half_open = second_factor.is_required() or queries.second_factor_since(staff.id) is not None
    action = "identity.password_accepted" if is_half_open else "identity.signed_in"
    audit.record(action, subject=("staff", staff.id), by=by, branch_id=staff.branch_id)
    state = SessionState.HALF_OPEN if is_half_open else SessionState.OPEN
    return sessions.open_for(staff, address=address, browser=browser, state=state)


def confirm(candidate: Candidate, *, session_id: UUID, by: Actor) -> str:
    """Let somebody who has no second factor, and needs none here, show by the password who it is that sits there.

    Returns the session's new token. Refuses with WrongSignIn where the password alone is not enough.
    """
    staff = db.session.get(Staff, candidate.staff_id, with_for_update=True, populate_existing=True)
    if staff is None or staff.password_hash != candidate.password_hash:
        raise WrongSignIn
    if second_factor.is_required() or queries.second_factor_since(staff.id) is not None:
        raise WrongSignIn
    forgive(staff.username, address=by.address)
    after = {"with": "password"}
    audit.record("identity.confirmed", subject=("staff", staff.id), by=by, after=after, branch_id=staff.branch_id)
    return sessions.renew(session_id)


def count_try(username: str, *, address: str | None, known: str | None = None) -> None:
    """Count one try for the username and one for the address. Refuses with TooManyTries."""
    instant = clock.now()
    for kind, key in _keys(username, address, known):
        tries.count(kind, key, instant)


def record_failure(username: str, *, address: str | None, known: str | None = None) -> None:
    """Leave a trace of a refused sign-in, and of the pause that it began.

    A name nobody has is not written down: it may be a mistyped password.
    """
    staff = queries.by_username(username)
    if staff is None:
        return
    (kind, key), *_ = _keys(username, address, known)
    until = tries.paused_until(kind, key, clock.now())
    audit.record(
        "identity.sign_in_failed",
        subject=("staff", staff.id),
        by=Actor("system", DOOR, "web", address),
        after={"locked_until": until} if until else None,
        branch_id=staff.branch_id,
    )


def forgive(username: str, *, address: str | None, known: str | None = None) -> None:
    """Forget the tries for a username whose owner has shown who he is, and this one of his address."""
    (kind, name_key), *address_keys = _keys(username, address, known)
    tries.forget(kind, name_key)
    for kind, key in address_keys:
        # Only this try is given back: a guesser may not clear his address by signing in as himself in between.
        tries.give_back_one(kind, key)


def _keys(username: str, address: str | None, known: str | None) -> list[tuple[CounterKind, bytes]]:
    """The counters of one try, the username's first: one order for all, so that no two tries wait for each other."""
    keys = [(CounterKind.USERNAME, username_hash(normal_username(username), known))]
    if address:
        keys.append((CounterKind.ADDRESS, address_hash(address)))
    return keys
