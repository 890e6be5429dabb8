"""Sessions are rows: ending the row ends the session, whatever cookie is still about."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select, update

from app.identity import rules
from app.identity.hashes import session_hash
from app.identity.models import Staff, StaffSession
from app.identity.states import SessionEnd, SessionState
from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import SignInNeeded

TOKEN_BYTES = 32
BROWSER_LENGTH = 200


def open_for(staff: Staff, *, address: str | None, browser: str | None, state: SessionState = SessionState.OPEN) -> str:
    """Begin a session and return its token, which is stored nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    instant = clock.now()
    db.session.add(
        StaffSession(
            token_hash=session_hash(token),
            staff_id=staff.id,
            started_at=instant,
            seen_at=instant,
            address=address,
            browser=(browser or "")[:BROWSER_LENGTH] or None,
            state=state,
            proved_at=instant if state is SessionState.OPEN else None,
        )
    )
    return token


def is_half_open(session_id: UUID) -> bool:
    """Whether only the password was shown in this session so far."""
    state = db.session.scalar(select(StaffSession.state).where(StaffSession.id == session_id))
    return state is SessionState.HALF_OPEN


def renew(session_id: UUID) -> str:
    """Open a session fully, now that its holder has shown who he is, under a new token; the one before is worthless.

    Refuses with SignInNeeded if the session has ended meanwhile.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    instant = clock.now()
    renewed = db.session.scalar(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(token_hash=session_hash(token), state=SessionState.OPEN, proved_at=instant, seen_at=instant)
        .returning(StaffSession.id)
    )
    if renewed is None:
        raise SignInNeeded("Please sign in.")
    return token


def seen(session_id: UUID) -> None:
    """Note that a session is in use; an ended one stays ended."""
    instant = clock.now()
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None), StaffSession.seen_at < instant)
        .values(seen_at=instant)
    )


def end(session_id: UUID, reason: SessionEnd) -> None:
    """End one session; ending it twice changes nothing."""
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now(), end_reason=reason)
    )


def end_one_of(staff_id: UUID, session_id: UUID, reason: SessionEnd) -> bool:
    """End one session of this person's; says whether there was such a one, still alive."""
    ended = (
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now(), end_reason=reason)
        .returning(StaffSession.id)
    )
    return db.session.scalar(ended) is not None


def end_all(staff_id: UUID, reason: SessionEnd, *, but: UUID | None = None) -> int:
    """End every session of a person, except ``but``; returns how many were still alive."""
    instant = clock.now()
    ended = (
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .where(StaffSession.id.is_distinct_from(but))
        .values(ended_at=instant, end_reason=reason)
        .returning(StaffSession.state, StaffSession.started_at, StaffSession.seen_at)
    )
    return sum(
        not rules.has_run_out(row.state, started_at=row.started_at, seen_at=row.seen_at, instant=instant)
        for row in db.session.execute(ended)
    )
