"""What is sensitive asks again who one is: within the last ten minutes, or now.

A view says so where it says who may reach it, ``@requires("payments.pay_out", fresh=True)``. One that knows only later
how sensitive a request is asks for itself:

    if response := freshness.asked_first():
        return response
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.kernel import clock
from app.web.addresses import is_own_path
from app.web.pages import done, toast, wants_fragment

SAFE_METHODS = {"GET", "HEAD"}


def asked_first() -> ResponseReturnValue | None:
    """Nothing if the person has shown lately who he is, else the way to the page that asks, and from there back.

    A form that was sent is not kept: the way back leads to the page it was on, with words that nothing was done.
    """
    if not must_confirm():
        return None
    if request.method not in SAFE_METHODS:
        toast("Nothing was done yet. Confirm that it is you, then send the form again.")
    return done(url_for("identity.confirm", next=page_around()))


def must_confirm() -> bool:
    """Whether the person would be asked, for pages that say so before a form is filled in."""
    return not current_user.is_fresh(clock.now())


def page_around() -> str | None:
    """The page a person is on: the one asked for, or the one around the part or form that was asked for or sent."""
    if wants_fragment():
        shown = request.headers.get("HX-Current-URL", "")
    elif request.method not in SAFE_METHODS:
        shown = request.headers.get("Referer", "")
    else:
        shown = request.full_path.rstrip("?")
    parts = urlsplit(shown)
    if parts.netloc not in ("", request.host):
        return None
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return target if target != "/" and is_own_path(target) else None
