"""What every answer tells the browser: run nothing foreign, show us in no frame, keep no copy (C34-C39, C124)."""

from __future__ import annotations

from flask import Flask, Response

from config import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
"""No inline script or style and no eval: everything that runs is a file of ours."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ONE_YEAR_OF_HTTPS = "max-age=31536000; includeSubDomains"


def install(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer, also on errors. Unless a view says otherwise, nothing is kept anywhere."""
    headers = dict(HEADERS)
    if settings.is_production:
        headers["Strict-Transport-Security"] = ONE_YEAR_OF_HTTPS

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
