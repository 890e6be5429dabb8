"""Setting up an authenticator app, on the first day or later: what it scans, its first code, the recovery codes."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response
from flask_login import current_user
from markupsafe import Markup

from app import audit
from app.identity import totp
from app.identity.errors import TooManyTries, WrongCode
from app.identity.schemas import Code
from app.identity.service import second_factor
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor
from app.web.pages import page


@dataclass(frozen=True, slots=True)
class Done:
    """The app is set up: the session's new token, and the recovery codes to show once."""

    token: str
    codes: list[str]


def confirm(form: Filled[Code]) -> Done | TooManyTries | WrongCode:
    """Take the app's first code, or say in the form why not."""
    by, person = actor(), current_user._get_current_object()
    typed = form.values.code
    form.typed.pop("code")  # a code that was refused is not typed again
    try:
        in_transaction(lambda: second_factor.count_try(person.staff_id))
        token, codes = in_transaction(
            lambda: second_factor.confirm(person.staff_id, typed, session_id=person.session_id, by=by)
        )
    except TooManyTries as refusal:
        form.errors["code"] = refusal.message
        return refusal
    except WrongCode as refusal:
        form.refuse(refusal)
        return refusal
    audit.observe("second_factor_set_up", staff_id=str(person.staff_id))
    return Done(token, codes)


def set_up_page(template: str, form: Filled[Code] | None, *, status: int = 200, onward: str = "") -> Response:
    """What the app scans or is told, and the field for its first code; ``onward`` is where somebody was going."""
    secret = second_factor.proposal(current_user.staff_id, current_user.session_id)
    picture = Markup(totp.picture(totp.address(secret, current_user.username)))  # noqa: S704 - made of squares only
    return page(
        template, status=status, form=form, picture=picture, key=totp.in_groups(secret), issuer=totp.ISSUER, next=onward
    )


def codes_page(codes: list[str], *, onward: str) -> Response:
    """Show recovery codes once. They are in no address, log or cookie, so a reload cannot bring them back."""
    return page("identity/recovery_codes.html", status=201, codes=codes, onward=onward)
