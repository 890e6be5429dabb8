"""Where somebody is signed in, and ending what should not be."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.identity import queries, rules
from app.identity.service import staff
from app.identity.views import bp
from app.kernel.transactions import in_transaction
from app.web.access import actor, freshly_signed_in, signed_in
from app.web.pages import done, page, toast


@bp.get("/account/sessions")
@signed_in
def own_sessions() -> ResponseReturnValue:
    """Every browser in which one is signed in, this one marked."""
    return page(
        "identity/own_sessions.html",
        sessions=queries.open_sessions(current_user.staff_id),
        here=current_user.session_id,
        idle_minutes=int(rules.IDLE_LIMIT.total_seconds()) // 60,
        longest_hours=int(rules.SESSION_LIMIT.total_seconds()) // 3600,
    )


@bp.post("/account/sessions/<uuid:session_id>/end")
@freshly_signed_in
def end_own_session(session_id: UUID) -> ResponseReturnValue:
    """Sign out in another browser."""
    by, staff_id = actor(), current_user.staff_id
    in_transaction(lambda: staff.end_session(staff_id, session_id, by=by))
    audit.observe("session_ended", staff_id=str(staff_id), by=by.id)
    toast("Signed out there.")
    return done(url_for(".own_sessions"))


@bp.post("/account/sessions/end-others")
@freshly_signed_in
def end_own_other_sessions() -> ResponseReturnValue:
    """Sign out everywhere but here."""
    by, staff_id, here = actor(), current_user.staff_id, current_user.session_id
    ended = in_transaction(lambda: staff.end_other_sessions(staff_id, but=here, by=by))
    audit.observe("sessions_ended", staff_id=str(staff_id), by=by.id)
    toast("You are signed out everywhere else." if ended else "You were not signed in anywhere else.")
    return done(url_for(".own_sessions"))
