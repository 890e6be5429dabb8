"""The page on which somebody changes the own password."""

from __future__ import annotations

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.identity import passwords
from app.identity.errors import TooManyTries
from app.identity.schemas import NewPassword
from app.identity.service import own_password as service
from app.identity.service import sign_in
from app.identity.views import bp
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, freshly_signed_in
from app.web.pages import done, page, toast


@bp.get("/account/password")
@freshly_signed_in
def own_password() -> ResponseReturnValue:
    """The form, with the rules in words."""
    return _page(None)


@bp.post("/account/password")
@freshly_signed_in
def change_own_password() -> ResponseReturnValue:
    """Take the new password if the current one is right; a wrong one counts like a try to sign in."""
    form = NewPassword.parse(request.form)
    if not form.errors and not form.values.is_repeated:
        form.errors["again"] = "This differs from the new password above."
    if form.errors:
        return _page(form, status=422)
    by, person = actor(), current_user._get_current_object()
    current, new = form.values.current, form.values.new
    try:
        in_transaction(lambda: sign_in.count_try(person.username, address=by.address))
        in_transaction(
            lambda: service.change(person.staff_id, current=current, new=new, session_id=person.session_id, by=by)
        )
    except TooManyTries as refusal:
        audit.notice("sign_in_locked", staff_id=str(person.staff_id))
        form.errors["current"] = refusal.message
        return _page(form, status=refusal.status)
    except Invalid as refusal:
        form.refuse(refusal)
        return _page(form, status=refusal.status)
    audit.observe("password_changed", staff_id=str(person.staff_id))
    toast("Your password is changed. You are signed out everywhere else.")
    return done(url_for("home.show"))


def _page(form: Filled[NewPassword] | None, *, status: int = 200) -> Response:
    shortest = passwords.shortest(is_alone=service.is_alone(current_user.staff_id))
    return page("identity/own_password.html", status=status, form=form, shortest=shortest)
