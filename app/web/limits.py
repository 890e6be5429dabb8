"""The coarse gate against floods: how often one browser, program or address may ask at all.

Finer limits (tries at sign-in, prompts to one phone) are rows in PostgreSQL. This one only keeps a flood away from the
rest of the system, so it may forget: while Redis is out of order, each process counts for itself.
"""

from __future__ import annotations

import hashlib

from flask import Flask, request, session
from flask_limiter import Limiter, RequestLimit

from app import audit
from app.web.cookies import is_cookieless
from config import Settings

PAGES = "600 per minute"  # a person clicks, and her open pages ask how payments stand
PROGRAMS = "12000 per minute"  # of one address, whatever tokens it shows: a made-up one must not begin anew
SIGN_INS = "120 per minute"  # a whole office in the morning, from one address
REDIS_TIMEOUT_SECONDS = 1  # no request waits long for its own limit
SIGN_IN = {"identity.enter", "identity.take_up"}
HINTS = "120 per minute"  # callbacks without a secret, from everybody together: each is kept, and none proves anything
HINT = "mpesa_api.callback"
UNCOUNTED = {"static", "ops.alive", "ops.ready", "ops.figures"}


def install(app: Flask, settings: Settings) -> None:
    """Count requests before anything else is done with them."""
    limiter = Limiter(
        who_asks,
        application_limits=[how_often],
        storage_uri=settings.redis_url,
        storage_options={"socket_connect_timeout": REDIS_TIMEOUT_SECONDS, "socket_timeout": REDIS_TIMEOUT_SECONDS},
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        on_breach=_note,
        key_prefix="limit",
    )
    limiter.init_app(app)
    limiter.request_filter(lambda: request.endpoint in UNCOUNTED)


def who_asks() -> str:
    """Whose requests are counted together: those of one session, else of one address."""
    if request.endpoint == HINT:
        return "everybody"
    token = None if is_cookieless(request) or request.endpoint in SIGN_IN else session.get("_user_id")
    if token is None:
        return f"address:{request.remote_addr}"
    return f"session:{hashlib.sha256(token.encode()).hexdigest()}"


def how_often() -> str:
    """The limit for this kind of request."""
    if request.endpoint == HINT:
        return HINTS
    if is_cookieless(request):
        return PROGRAMS
    return SIGN_INS if request.endpoint in SIGN_IN else PAGES


def _note(limit: RequestLimit) -> None:
    audit.notice("rate_limited", endpoint=request.endpoint, limit=str(limit.limit))
