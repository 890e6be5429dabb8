"""The users of the system, for administrators."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.approvals import queries as approvals
from app.identity import queries, rules
from app.identity.schemas import Details, NewStaff, Roles
from app.identity.service import staff
from app.identity.states import STATUS_MOVES, StaffStatus
from app.identity.views import bp
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast
from config import Settings


@bp.get("/users")
@requires("identity.manage_users")
def users() -> ResponseReturnValue:
    """Everybody who works here, and who did."""
    chosen = next((status for status in StaffStatus if status == request.args.get("status")), None)
    found = queries.staff_list(after=request.args.get("after"), status=chosen)
    return page(
        "identity/users.html",
        found=found,
        chosen=chosen,
        standings=list(StaffStatus),
        branches=queries.branch_names(),
    )


@bp.get("/users/new")
@requires("identity.manage_users", fresh=True)
def new_user() -> ResponseReturnValue:
    """The form for a new user."""
    return _new(None)


@bp.post("/users")
@requires("identity.manage_users", fresh=True)
def create_user() -> ResponseReturnValue:
    """Create a user and show the one-time code to hand over, this once."""
    form = NewStaff.parse(request.form)
    if form.errors:
        return _new(form, status=422)
    values, by = form.values, actor()
    try:
        created = in_transaction(
            lambda: staff.create(
                username=values.username, name=values.name, branch_id=values.branch_id, roles=values.roles, by=by
            )
        )
    except Invalid as refusal:
        form.refuse(refusal)
        return _new(form, status=refusal.status)
    audit.observe("user_invited", staff_id=str(created.staff_id), by=by.id)
    return hand_over(created.staff_id, created.code, status=201)


@bp.get("/users/<uuid:staff_id>")
@requires("identity.manage_users")
def user(staff_id: UUID) -> ResponseReturnValue:
    """One user: name and branch, roles, standing, where signed in."""
    return _user(staff_id)


@bp.post("/users/<uuid:staff_id>/details")
@requires("identity.manage_users", fresh=True)
def change_user(staff_id: UUID) -> ResponseReturnValue:
    """Correct the name, or move to another branch."""
    form = Details.parse(request.form)
    if form.errors:
        return _user(staff_id, details=form, status=422)
    values, by = form.values, actor()
    try:
        in_transaction(lambda: staff.change_details(staff_id, name=values.name, branch_id=values.branch_id, by=by))
    except Invalid as refusal:
        form.refuse(refusal)
        return _user(staff_id, details=form, status=refusal.status)
    toast("Saved.")
    return done(url_for(".user", staff_id=staff_id))


@bp.post("/users/<uuid:staff_id>/roles")
@requires("identity.manage_users", fresh=True)
def change_user_roles(staff_id: UUID) -> ResponseReturnValue:
    """Give exactly the roles that are ticked."""
    form = Roles.parse(request.form)
    if form.errors:
        return _user(staff_id, roles=form, status=422)
    wanted, by = form.values.roles, actor()
    try:
        in_transaction(lambda: staff.set_roles(staff_id, wanted, by=by))
    except Invalid as refusal:
        form.refuse(refusal)
        return _user(staff_id, roles=form, status=refusal.status)
    toast("The roles are changed.")
    return done(url_for(".user", staff_id=staff_id))


def _new(form: Filled[NewStaff] | None, *, status: int = 200) -> Response:
    return page(
        "identity/new_user.html",
        status=status,
        form=form,
        chosen=_chosen(form),
        roles=queries.roles(),
        branches=queries.branch_names(),
    )


def _user(
    staff_id: UUID, *, details: Filled[Details] | None = None, roles: Filled[Roles] | None = None, status: int = 200
) -> Response:
    """One user, with whatever form was refused."""
    person = queries.get(staff_id)
    return page(
        "identity/user.html",
        status=status,
        person=person,
        is_oneself=person.id == current_user.staff_id,
        details=details,
        role_form=roles,
        held={role.code for role in person.roles},
        roles=queries.roles(),
        branches=queries.branch_names(),
        moves=[move for move in StaffStatus if move in STATUS_MOVES[person.status]],
        sessions=queries.open_sessions(staff_id),
        here=current_user.session_id,
        factor_since=queries.second_factor_since(staff_id),
        codes_left=queries.recovery_codes_left(staff_id),
        invitation=queries.invitation(staff_id),
        waiting=approvals.waiting_about(("staff", str(staff_id))),
    )


def hand_over(staff_id: UUID, code: str, *, status: int = 200) -> Response:
    """Show a one-time code once. It is in no address, log or cookie, so a reload cannot bring it back."""
    settings: Settings = current_app.extensions["settings"]
    return page(
        "identity/hand_over.html",
        status=status,
        person=queries.get(staff_id),
        code=code,
        hours=int(rules.INVITATION_LIFE.total_seconds()) // 3600,
        address=settings.base_url.rstrip("/") + url_for(".welcome"),
    )


def _chosen(form: Filled[NewStaff] | None) -> set[str]:
    """The roles that were ticked, when the form comes back."""
    return set(request.form.getlist("roles")) if form else set()
