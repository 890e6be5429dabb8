"""Signing in and out."""

from __future__ import annotations

from flask import Response, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from app import audit
from app.identity.errors import TooManyTries, WrongSignIn
from app.identity.schemas import SignIn
from app.identity.service import sessions, sign_in
from app.identity.states import SessionEnd
from app.identity.views import bp, entering, known
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, half_signed_in, public
from app.web.addresses import is_own_path
from app.web.pages import done, page
from config import Settings

DEMONSTRATION_USERS = ("admin", "manager", "officer", "teller", "accountant", "auditor", "agent")


@bp.get("/sign-in", endpoint="sign_in")
@public("Whoever is to sign in has not signed in yet.")
def show() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in already is sent on."""
    target = request.args.get("next", "")
    if current_user.is_authenticated:
        return redirect(entering.onward(target), code=303)
    return _page(None, target)


@bp.post("/sign-in", endpoint="enter")
@public("Whoever is to sign in has not signed in yet.")
def enter() -> ResponseReturnValue:
    """Check who somebody is, and begin a session with a token of its own."""
    form = SignIn.parse(request.form)
    target = form.typed.get("next", "")
    if form.errors:
        return _page(form, target, status=422)
    name, password, address = form.values.username, form.values.password, request.remote_addr
    mark = known.mark_for(name)
    try:
        candidate = in_transaction(lambda: sign_in.begin(name, address=address, known=mark))
        sign_in.check(candidate, password)
        browser = request.user_agent.string
        token = in_transaction(lambda: sign_in.enter(candidate, password, address=address, browser=browser, known=mark))
    except TooManyTries as refusal:
        audit.notice("sign_in_locked")
        form.errors[""] = refusal.message
        response = _page(form, target, status=refusal.status)
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    except WrongSignIn as refusal:
        audit.notice("sign_in_failed")
        in_transaction(lambda: sign_in.record_failure(name, address=address, known=mark))
        form.errors[""] = refusal.message
        return _page(form, target, status=refusal.status)
    person = entering.begin(token)
    audit.observe("password_accepted" if person.is_half_open else "signed_in", staff_id=str(person.staff_id))
    if person.is_half_open:
        return redirect(url_for(".second_step", next=target if is_own_path(target) else None), code=303)
    return redirect(entering.onward(target), code=303)


@bp.post("/sign-out", endpoint="sign_out")
@half_signed_in
def leave() -> ResponseReturnValue:
    """End the session here and now; a copy of its cookie is worth nothing."""
    by, session_id, staff_id = actor(), current_user.session_id, current_user.staff_id
    branch_id = current_user.branch_id

    def end() -> None:
        sessions.end(session_id, SessionEnd.SIGNED_OUT)
        audit.record("identity.signed_out", subject=("staff", staff_id), by=by, branch_id=branch_id)

    in_transaction(end)
    audit.observe("signed_out", staff_id=str(staff_id))
    logout_user()
    session.clear()
    response = done(url_for("identity.sign_in"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _page(form: Filled[SignIn] | None, target: str, *, status: int = 200) -> Response:
    settings: Settings = current_app.extensions["settings"]
    is_demonstration = "C67" in settings.relaxations
    return page(
        "identity/sign_in.html",
        status=status,
        form=form,
        next=target if is_own_path(target) else "",
        demonstration_users=DEMONSTRATION_USERS if is_demonstration else (),
        demonstration_password=settings.demo_password if is_demonstration else None,
    )
