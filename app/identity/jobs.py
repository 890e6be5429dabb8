"""Housekeeping of this room."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from app import audit
from app.identity.models import SignInCounter, StaffSession
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction

COUNTERS_KEPT = timedelta(days=2)  # longer than any pause is remembered
BY = Actor.system("identity.forget_old_sign_ins")
SESSIONS_KEPT = timedelta(days=90)  # where somebody was signed in, for whoever has to look into something


@daily(at_minute=200)
def forget_old_sign_ins() -> None:
    """Drop counters that no longer count and sessions that ended long ago."""
    in_transaction(_forget)


def _forget() -> None:
    instant = clock.now()
    db.session.execute(delete(SignInCounter).where(SignInCounter.tried_at < instant - COUNTERS_KEPT))
    forgotten = delete(StaffSession).where(StaffSession.seen_at < instant - SESSIONS_KEPT).returning(StaffSession.id)
    if count := len(db.session.scalars(forgotten).all()):
        audit.record("identity.sessions_forgotten", subject=("staff_session", "old"), by=BY, after={"sessions": count})
