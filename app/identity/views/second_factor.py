"""One's own second factor: since when, setting up another app, new recovery codes."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.identity import queries
from app.identity.schemas import Code
from app.identity.service import second_factor as service
from app.identity.views import bp, entering, setting_up
from app.kernel.transactions import in_transaction
from app.web.access import actor, freshly_signed_in, signed_in
from app.web.pages import page


@bp.get("/account/second-factor")
@signed_in
def second_factor() -> ResponseReturnValue:
    """Whether there is one, and how many recovery codes are left."""
    return page(
        "identity/second_factor.html",
        since=queries.second_factor_since(current_user.staff_id),
        left=queries.recovery_codes_left(current_user.staff_id),
    )


@bp.get("/account/second-factor/new")
@freshly_signed_in
def new_second_factor() -> ResponseReturnValue:
    """Show what the app scans."""
    return setting_up.set_up_page("identity/set_up.html", None)


@bp.post("/account/second-factor/new")
@freshly_signed_in
def set_up_second_factor() -> ResponseReturnValue:
    """Take the app's first code; from now on it is asked for, and the app of before is worth nothing."""
    form = Code.parse(request.form)
    if form.errors:
        return setting_up.set_up_page("identity/set_up.html", form, status=422)
    done = setting_up.confirm(form)
    if not isinstance(done, setting_up.Done):
        return setting_up.set_up_page("identity/set_up.html", form, status=done.status)
    entering.go_on(done.token)
    return setting_up.codes_page(done.codes, onward=url_for(".second_factor"))


@bp.post("/account/second-factor/recovery-codes")
@freshly_signed_in
def renew_recovery_codes() -> ResponseReturnValue:
    """Make new recovery codes and show them this once; the old ones are worth nothing."""
    by, staff_id = actor(), current_user.staff_id
    codes = in_transaction(lambda: service.renew_recovery_codes(staff_id, by=by))
    audit.observe("recovery_codes_renewed", staff_id=str(staff_id))
    return setting_up.codes_page(codes, onward=url_for(".second_factor"))
