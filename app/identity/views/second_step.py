"""The second step of signing in: a code of the authenticator app, or setting one up on the first day."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.identity.errors import TooManyTries
from app.identity.schemas import Code
from app.identity.views import bp, entering, setting_up
from app.identity.views.entering import Taken
from app.kernel.forms import Filled
from app.web.access import half_signed_in
from app.web.addresses import is_own_path
from app.web.pages import page, toast


@bp.get("/sign-in/code")
@half_signed_in
def second_step() -> ResponseReturnValue:
    """Ask for the code; whoever has no app yet is led to set one up, and who needs no code is sent on."""
    return _elsewhere(".second_step") or _page(None, request.args.get("next", ""))


@bp.post("/sign-in/code")
@half_signed_in
def take_second_step() -> ResponseReturnValue:
    """Take the code, and begin the session that the password only prepared."""
    if response := _elsewhere(".second_step"):
        return response
    form = Code.parse(request.form)
    target = form.typed.get("next", "")
    if form.errors:
        return _page(form, target, status=422)
    taken = entering.take_code(form)
    if not isinstance(taken, Taken):
        return _page(form, target, status=taken.status, wait=taken if isinstance(taken, TooManyTries) else None)
    entering.begin(taken.token)
    if words := entering.words_on_codes(taken.codes_left):
        toast(words)
    return redirect(entering.onward(target), code=303)


@bp.get("/sign-in/set-up")
@half_signed_in
def first_set_up() -> ResponseReturnValue:
    """Show what the app scans."""
    return _elsewhere(".first_set_up") or _set_up_page(None, request.args.get("next", ""))


@bp.post("/sign-in/set-up")
@half_signed_in
def finish_first_set_up() -> ResponseReturnValue:
    """Take the app's first code, and begin the session that the password only prepared."""
    if response := _elsewhere(".first_set_up"):
        return response
    form = Code.parse(request.form)
    target = form.typed.get("next", "")
    if form.errors:
        return _set_up_page(form, target, status=422)
    done = setting_up.confirm(form)
    if not isinstance(done, setting_up.Done):
        return _set_up_page(form, target, status=done.status)
    entering.begin(done.token)
    return setting_up.codes_page(done.codes, onward=entering.onward(target))


def _elsewhere(endpoint: str) -> ResponseReturnValue | None:
    """The way to the step that this person is really at, if it is another one."""
    if not current_user.is_half_open:
        return redirect(entering.onward(request.values.get("next", "")), code=303)
    right = ".second_step" if current_user.has_second_factor else ".first_set_up"
    if right == endpoint:
        return None
    target = request.values.get("next", "")
    return redirect(url_for(right, next=target if is_own_path(target) else None), code=303)


def _page(
    form: Filled[Code] | None, target: str, *, status: int = 200, wait: TooManyTries | None = None
) -> ResponseReturnValue:
    response = page("identity/second_step.html", status=status, form=form, next=target if is_own_path(target) else "")
    if wait:
        response.headers["Retry-After"] = str(wait.retry_after_seconds)
    return response


def _set_up_page(form: Filled[Code] | None, target: str, *, status: int = 200) -> Response:
    return setting_up.set_up_page(
        "identity/first_set_up.html", form, status=status, onward=target if is_own_path(target) else ""
    )
