"""The page on which somebody who was handed a one-time code chooses a password."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.identity import passwords
from app.identity.errors import InvitationNotGood, TooManyTries
from app.identity.schemas import Welcome
from app.identity.service import invitations, second_factor, sign_in
from app.identity.views import bp
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import public
from app.web.pages import page, toast


@bp.get("/welcome")
@public("Whoever is to choose a first password cannot sign in yet.")
def welcome() -> ResponseReturnValue:
    """The form, with the rules in words."""
    return _page(None)


@bp.post("/welcome")
@public("Whoever is to choose a first password cannot sign in yet.")
def take_up() -> ResponseReturnValue:
    """Take the code and the password, and lead on to sign-in: the code alone opens no session."""
    form = Welcome.parse(request.form)
    if not form.errors and not form.values.is_repeated:
        form.errors["again"] = "This differs from the password above."
    if form.errors:
        return _page(form, status=422)
    values, address = form.values, request.remote_addr
    try:
        in_transaction(lambda: sign_in.count_try(values.username, address=address))
        in_transaction(lambda: invitations.take_up(values.username, values.code, values.new, address=address))
    except TooManyTries as refusal:
        audit.notice("sign_in_locked")
        form.errors["code"] = refusal.message
        response = _page(form, status=refusal.status)
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    except Invalid as refusal:
        if isinstance(refusal, InvitationNotGood):
            audit.notice("invitation_refused")
            in_transaction(lambda: sign_in.record_failure(values.username, address=address))
        form.refuse(refusal)
        return _page(form, status=refusal.status)
    audit.observe("password_chosen")
    toast("Your password is set. Sign in with it now.")
    return redirect(url_for(".sign_in"), code=303)


def _page(form: Filled[Welcome] | None, *, status: int = 200) -> Response:
    # Whether this person has a second factor is nobody's to know who has shown no code yet: the stricter rule is told.
    shortest = passwords.shortest(is_alone=not second_factor.is_required())
    return page("identity/welcome.html", status=status, form=form, shortest=shortest)
