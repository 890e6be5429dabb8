"""Whether and how a user can get in, for administrators: standing, one-time codes, sessions, second factor."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.approvals import service as approvals
from app.identity import factor_resets, followers, queries
from app.identity.factor_resets import FactorReset
from app.identity.schemas import Standing
from app.identity.service import staff
from app.identity.states import STATUS_MOVES, StaffStatus
from app.identity.views import bp
from app.identity.views.users import hand_over
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast


@bp.post("/users/<uuid:staff_id>/status")
@requires("identity.manage_users", fresh=True)
def change_user_status(staff_id: UUID) -> ResponseReturnValue:
    """Suspend, reinstate, or note that somebody left and who looks after the members now."""
    form = Standing.parse(request.form)
    if form.errors:
        raise Invalid(form.errors)
    values, by = form.values, actor()
    try:
        in_transaction(lambda: staff.set_status(staff_id, values.status, successor=values.successor, by=by))
    except Invalid as refusal:
        form.refuse(refusal)
        return _leaving(staff_id, form, status=refusal.status)
    audit.observe("user_status_changed", staff_id=str(staff_id), status=values.status.value, by=by.id)
    toast(f"This user is now marked as {values.status.label.lower()}.")
    return done(url_for(".user", staff_id=staff_id))


@bp.get("/users/<uuid:staff_id>/leaving")
@requires("identity.manage_users", fresh=True)
def user_leaves(staff_id: UUID) -> ResponseReturnValue:
    """What happens when somebody leaves, and the choice of who looks after the members."""
    return _leaving(staff_id, None)


@bp.post("/users/<uuid:staff_id>/password")
@requires("identity.manage_users", fresh=True)
def reset_user_password(staff_id: UUID) -> ResponseReturnValue:
    """Make a one-time code to hand over, and show it this once."""
    by = actor()
    code = in_transaction(lambda: staff.invite_again(staff_id, by=by))
    audit.observe("password_reset", staff_id=str(staff_id), by=by.id)
    return hand_over(staff_id, code)


@bp.post("/users/<uuid:staff_id>/sessions/end")
@requires("identity.manage_users", fresh=True)
def end_user_sessions(staff_id: UUID) -> ResponseReturnValue:
    """Sign a user out everywhere."""
    by = actor()
    ended = in_transaction(lambda: staff.end_sessions(staff_id, by=by))
    audit.observe("sessions_ended", staff_id=str(staff_id), by=by.id)
    toast("Signed out everywhere." if ended else "This user was not signed in.")
    return done(url_for(".user", staff_id=staff_id))


@bp.post("/users/<uuid:staff_id>/sessions/<uuid:session_id>/end")
@requires("identity.manage_users", fresh=True)
def end_user_session(staff_id: UUID, session_id: UUID) -> ResponseReturnValue:
    """Sign a user out in one browser."""
    by = actor()
    in_transaction(lambda: staff.end_session(staff_id, session_id, by=by))
    audit.observe("session_ended", staff_id=str(staff_id), by=by.id)
    toast("Signed out there.")
    return done(url_for(".user", staff_id=staff_id))


@bp.post("/users/<uuid:staff_id>/second-factor")
@requires("identity.manage_users", fresh=True)
def reset_user_second_factor(staff_id: UUID) -> ResponseReturnValue:
    """Ask that a lost second factor be taken away; a second person decides."""
    form = FactorReset.parse({**request.form, "staff_id": str(staff_id)})
    if form.errors:
        raise Invalid(form.errors)
    values, by = form.values, actor()
    in_transaction(lambda: _ask_once(values, form.key or "", by))
    audit.notice("second_factor_reset_asked", staff_id=str(staff_id), by=by.id)
    toast("Asked for. It is done once a second person has approved it.")
    return done(url_for(".user", staff_id=staff_id))


def _ask_once(values: FactorReset, key: str, by: Actor) -> None:
    inputs = values.model_dump(mode="json")
    ask = partial(approvals.ask, factor_resets.NAME, values, by=by, reason=values.reason)
    once(factor_resets.NAME, key, inputs, by=by, work=lambda: str(ask()))


def _leaving(staff_id: UUID, form: Filled[Standing] | None, *, status: int = 200) -> Response:
    person = queries.get(staff_id)
    if StaffStatus.LEFT not in STATUS_MOVES[person.status]:
        raise Conflict(f"{person.name} is marked as {person.status.label.lower()} already.")
    return page(
        "identity/leaving.html",
        status=status,
        person=person,
        form=form,
        count=followers.looked_after(staff_id),
        heirs=[(one.id, f"{one.name} ({one.username})") for one in queries.active_staff() if one.id != staff_id],
    )
