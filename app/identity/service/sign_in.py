"""Signing in, in three steps: count the try, check the password with no transaction open, open the session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.identity import passwords, queries, rules
from app.identity.errors import TooManyTries, WrongSignIn
from app.identity.hashes import address_hash, username_hash
from app.identity.models import SignInCounter, Staff
from app.identity.schemas import normal_username
from app.identity.service import sessions
from app.identity.states import CounterKind
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
"""Whom a username means that is unknown, suspended or out of date: a password is checked all the same, and as long."""


def begin(username: str, *, address: str | None) -> Candidate:
    """Count a try before the password is looked at, so that any number of tries at once are counted one by one.

    Unknown usernames are counted like known ones: the answer tells nobody who works here. Refuses with TooManyTries.
    """
    count_try(username, address=address)
    staff = queries.by_username(username)
    return Candidate(staff.id, staff.password_hash) if staff and _may_sign_in(staff) else NOBODY


def check(candidate: Candidate, password: str) -> None:
    """Whether this is the password. Slow on purpose, so it is done with no transaction open.

    Refuses with WrongSignIn for whatever reason.
    """
    if not passwords.matches(candidate.password_hash, password) or candidate is NOBODY:
        raise WrongSignIn


def enter(candidate: Candidate, password: str, *, address: str | None, browser: str | None) -> str:
    """Open a session for a person whose password was right, and return its token.

    Refuses with WrongSignIn if the person may no longer sign in, or has another password since.
    """
    staff = db.session.get(Staff, candidate.staff_id, with_for_update=True, populate_existing=True)
    if staff is None or staff.password_hash != candidate.password_hash or not _may_sign_in(staff):
        raise WrongSignIn
    if passwords.is_outdated(staff.password_hash):
        staff.password_hash = passwords.hashed(password)
    forgive(staff.username, address=address)
    by = Actor("staff", str(staff.id), "web", address)
    audit.record("identity.signed_in", subject=("staff", staff.id), by=by, branch_id=staff.branch_id)
    return sessions.open_for(staff, address=address, browser=browser)


def count_try(username: str, *, address: str | None) -> None:
    """Count one try for the username and one for the address. Refuses with TooManyTries."""
    instant = clock.now()
    for kind, key in _keys(username, address):
        _count(kind, key, instant)


def record_failure(username: str, *, address: str | None) -> None:
    """Leave a trace of a refused sign-in. A name nobody has is not written down: it may be a mistyped password."""
    staff = queries.by_username(username)
    if staff is not None:
        by = Actor("system", DOOR, "web", address)
        audit.record("identity.sign_in_failed", subject=("staff", staff.id), by=by, branch_id=staff.branch_id)


def forgive(username: str, *, address: str | None) -> None:
    """Forget the tries for a username whose owner has shown who he is, and this one of his address."""
    (_, name_key), *address_keys = _keys(username, address)
    db.session.execute(delete(SignInCounter).filter_by(kind=CounterKind.USERNAME, key_hash=name_key))
    for kind, key in address_keys:
        # Only this try is given back: a guesser may not clear his address by signing in as himself in between.
        db.session.execute(
            update(SignInCounter)
            .where(SignInCounter.kind == kind, SignInCounter.key_hash == key, SignInCounter.tries > 0)
            .values(tries=SignInCounter.tries - 1, locked_until=None)
        )


def _may_sign_in(staff: Staff) -> bool:
    is_expired = staff.temporary_until is not None and staff.temporary_until <= clock.now()
    return staff.status.may_sign_in and not is_expired


def _keys(username: str, address: str | None) -> list[tuple[CounterKind, bytes]]:
    """The counters of one try, the username's first: one order for all, so that no two tries wait for each other."""
    keys = [(CounterKind.USERNAME, username_hash(normal_username(username)))]
    if address:
        keys.append((CounterKind.ADDRESS, address_hash(address)))
    return keys


def _count(kind: CounterKind, key: bytes, instant: datetime) -> None:
    fresh = insert(SignInCounter).values(kind=kind, key_hash=key, tries=0, tried_at=instant)
    db.session.execute(fresh.on_conflict_do_nothing())
    counter = db.session.get(SignInCounter, (kind, key), with_for_update=True, populate_existing=True)
    assert counter is not None, "it was inserted or was there"
    if counter.locked_until is not None and counter.locked_until > instant:
        raise TooManyTries(int((counter.locked_until - instant).total_seconds()) + 1)
    pauses = rules.PAUSES[kind]
    is_forgotten = instant - counter.tried_at >= pauses.forgotten_after
    counter.tries = 1 if is_forgotten else counter.tries + 1
    counter.tried_at = instant
    pause = pauses.after(counter.tries)
    counter.locked_until = instant + pause if pause else None
