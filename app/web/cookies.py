"""The session cookie, and who has none: programs and providers prove themselves with every request."""

from __future__ import annotations

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from config import Settings

COOKIELESS = ("/api/", "/hooks/")
"""Under these addresses cookies are neither read nor written, so no other site can make a browser act there."""


SHOWN_IN_A_BROWSER = ("/api/docs", "/api/openapi.json")
"""What people read about the API: these only show, and know who is signed in."""


def is_cookieless(asked: Request) -> bool:
    """Whether this request is from a program that shows its own proof instead of a cookie."""
    return asked.path.startswith(COOKIELESS) and asked.path not in SHOWN_IN_A_BROWSER


COMPANION = "-known"
"""What the name of the cookie ends in that only tells a browser in which somebody has signed in before."""


class PageSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, for pages only."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie of a page; everybody else starts with nothing."""
        return self.session_class() if is_cookieless(request) else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie of a page, if it changed."""
        if not is_cookieless(request):
            super().save_session(app, session, response)


def install(app: Flask, settings: Settings) -> None:
    """Give pages a cookie that scripts cannot read, other sites cannot send along, and plain http cannot carry."""
    over_https = "C30, C32" not in settings.relaxations
    app.session_interface = PageSessions()
    app.config.update(
        SESSION_COOKIE_NAME="__Host-pamoja" if over_https else "pamoja",
        SESSION_COOKIE_SECURE=over_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
