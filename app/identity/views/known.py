"""Browsers in which somebody has signed in before: tries from there are counted apart from those of strangers.

So whoever guesses at a name from elsewhere locks himself out, and not the person whose name it is.
"""

from __future__ import annotations

import secrets

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.identity.schemas import normal_username
from app.web.cookies import COMPANION

KNOWN_FOR_SECONDS = 90 * 24 * 3600
MARK_BYTES = 16


def mark_for(username: str) -> str | None:
    """What tells this browser apart, if this name was the last to sign in with it; None for a stranger."""
    try:
        name, mark = _signer().loads(request.cookies.get(_cookie(), ""), max_age=KNOWN_FOR_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(mark) if name == normal_username(username) else None


def remember(username: str) -> None:
    """Mark this browser as one in which this person has signed in, every step of it."""
    mark = mark_for(username) or secrets.token_urlsafe(MARK_BYTES)
    value = _signer().dumps([username, mark])

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            value,
            max_age=KNOWN_FOR_SECONDS,
            path="/",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}{COMPANION}"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="identity.known-browser")
