"""The page that asks again who one is, before what is sensitive."""

from __future__ import annotations

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.identity import rules
from app.identity.errors import TooManyTries, WrongSignIn
from app.identity.schemas import Code, Password
from app.identity.service import sign_in
from app.identity.views import bp, entering
from app.identity.views.entering import Taken
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, signed_in
from app.web.addresses import is_own_path
from app.web.pages import page, toast


@bp.get("/account/confirm")
@signed_in
def confirm() -> ResponseReturnValue:
    """Ask for the second factor; for the password where somebody has none and needs none."""
    return _page(None, request.args.get("next", ""))


@bp.post("/account/confirm", endpoint="take_confirmation")
@signed_in
def take() -> ResponseReturnValue:
    """Take it, and go back to the page that asked for it."""
    if current_user.has_second_factor:
        return _take_code(Code.parse(request.form))
    return _take_password(Password.parse(request.form))


def _take_code(form: Filled[Code]) -> ResponseReturnValue:
    target = form.typed.get("next", "")
    if form.errors:
        return _page(form, target, status=422)
    taken = entering.take_code(form)
    if not isinstance(taken, Taken):
        return _page(form, target, status=taken.status)
    entering.go_on(taken.token)
    if words := entering.words_on_codes(taken.codes_left):
        toast(words)
    return redirect(entering.onward(target), code=303)


def _take_password(form: Filled[Password]) -> ResponseReturnValue:
    target = form.typed.get("next", "")
    if form.errors:
        return _page(form, target, status=422)
    by, person, password = actor(), current_user._get_current_object(), form.values.password
    try:
        candidate = in_transaction(lambda: sign_in.begin(person.username, address=by.address))
        sign_in.check(candidate, password)
        token = in_transaction(lambda: sign_in.confirm(candidate, session_id=person.session_id, by=by))
    except TooManyTries as refusal:
        audit.notice("sign_in_locked", staff_id=str(person.staff_id))
        form.errors["password"] = refusal.message
        return _page(form, target, status=refusal.status)
    except WrongSignIn:
        audit.notice("confirmation_failed", staff_id=str(person.staff_id))
        in_transaction(lambda: sign_in.record_failure(person.username, address=by.address))
        form.errors["password"] = "This is not your password."  # noqa: S105 - words, no secret
        return _page(form, target, status=422)
    audit.observe("confirmed_by_password", staff_id=str(person.staff_id))
    entering.go_on(token)
    return redirect(entering.onward(target), code=303)


def _page(form: Filled[Code] | Filled[Password] | None, target: str, *, status: int = 200) -> Response:
    minutes = int(rules.FRESH_FOR.total_seconds()) // 60
    next_page = target if is_own_path(target) else ""
    return page("identity/confirm.html", status=status, form=form, next=next_page, minutes=minutes)
