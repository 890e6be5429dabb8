"""Sessions are rows: ending the row ends the session, whatever cookie is still about."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import update

from app.identity import rules
from app.identity.hashes import session_hash
from app.identity.models import Staff, StaffSession
from app.identity.states import SessionEnd
from app.kernel import clock
from app.kernel.database import db

TOKEN_BYTES = 32
BROWSER_LENGTH = 200


def open_for(staff: Staff, *, address: str | None, browser: str | None) -> str:
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
        )
    )
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


def end_all(staff_id: UUID, reason: SessionEnd, *, but: UUID | None = None) -> int:
    """End every session of a person, except ``but``; returns how many were still alive."""
    instant = clock.now()
    ended = (
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .where(StaffSession.id.is_distinct_from(but))
        .values(ended_at=instant, end_reason=reason)
        .returning(StaffSession.started_at, StaffSession.seen_at)
    )
    rows = db.session.execute(ended).all()
    return sum(not rules.has_run_out(started_at=row.started_at, seen_at=row.seen_at, instant=instant) for row in rows)
