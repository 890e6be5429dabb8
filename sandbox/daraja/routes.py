"""Safaricom's Daraja, under ``/daraja``: tokens, STK push, C2B and pull transactions."""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from sandbox.daraja import c2b, gateway, oauth, pull, stk
from sandbox.daraja.errors import DarajaError

PREFIX = "/daraja"


def register(app: Flask) -> None:
    """Hang Daraja's paths and its error envelopes into the sandbox."""
    bp = Blueprint("daraja", __name__, url_prefix=PREFIX)
    for product in (oauth.bp, stk.bp, c2b.bp, pull.bp):
        bp.register_blueprint(product)
    app.register_blueprint(bp)
    app.register_error_handler(DarajaError, refuse)
    app.register_error_handler(gateway.NotEnabled, lambda _: gateway.not_enabled())


def refuse(error: DarajaError) -> Response:
    return error.response()
