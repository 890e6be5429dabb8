"""What signing in and confirming share: the cookie, the code that is typed, and where to go from there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import session, url_for
from flask_login import current_user, login_user

from app import audit
from app.identity import queries
from app.identity.errors import TooManyTries, WrongCode
from app.identity.principal import SignedIn
from app.identity.schemas import Code
from app.identity.service import second_factor
from app.identity.views import known
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor
from app.web.addresses import is_own_path


@dataclass(frozen=True, slots=True)
class Taken:
    """A code was right: the session's new token, and how many recovery codes are left if one of them was used."""

    token: str
    codes_left: int | None


def begin(token: str) -> SignedIn:
    """Start the cookie afresh: nothing that was in it before, the CSRF token included, reaches the session."""
    session.clear()
    person = go_on(token)
    if not person.is_half_open:
        known.remember(person.username)
    return person


def go_on(token: str) -> SignedIn:
    """Carry the session's new token, and leave the forms in other windows good."""
    found = queries.signed_in(token)
    assert found is not None, "the session was opened a moment ago"
    login_user(found[0])
    return found[0]


def onward(target: str) -> str:
    """Where somebody was going, if that is a page of ours."""
    return target if is_own_path(target) else url_for("home.show")


def take_code(form: Filled[Code]) -> Taken | TooManyTries | WrongCode:
    """Take the typed code, or say in the form why not; every try counts, and each failure leaves a trace."""
    by, person = actor(), current_user._get_current_object()
    typed = form.values.code
    form.typed.pop("code")  # a code that was refused is not typed again
    try:
        in_transaction(lambda: second_factor.count_try(person.staff_id))
        token, left = in_transaction(
            lambda: second_factor.prove(person.staff_id, typed, session_id=person.session_id, by=by)
        )
    except TooManyTries as refusal:
        audit.notice("second_factor_locked", staff_id=str(person.staff_id))
        form.errors["code"] = refusal.message
        return refusal
    except WrongCode as refusal:
        audit.notice("second_factor_failed", staff_id=str(person.staff_id), code=refusal.code)
        in_transaction(lambda: second_factor.record_failure(person.staff_id, by=by))
        form.refuse(refusal)
        return refusal
    audit.observe("second_factor_shown", staff_id=str(person.staff_id), recovery_code=left is not None)
    return Taken(token, left)


def words_on_codes(left: int | None) -> str | None:
    """What to say after a recovery code was used."""
    if left is None:
        return None
    if left == 0:
        return "That was your last recovery code. Make new ones now."
    return f"You used a recovery code. {left} {'is' if left == 1 else 'are'} left."
