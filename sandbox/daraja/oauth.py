"""Access tokens: ``GET /oauth/v1/generate?grant_type=client_credentials``."""

from __future__ import annotations

import base64
import hmac

from flask import Blueprint, Response, jsonify, request

from sandbox import clock
from sandbox.books import insert
from sandbox.core import books
from sandbox.daraja import errors, identifiers
from sandbox.daraja.errors import DarajaError
from sandbox.daraja.gateway import refused_by
from sandbox.mishaps import Words, around
from sandbox.settings import Settings

CONSUMER_KEY = "pamojaSandboxConsumerKey0000000000000000"
CONSUMER_SECRET = "pamojaSandboxConsumerSecret00000000000"  # noqa: S105 - published on the phone page

bp = Blueprint("daraja_oauth", __name__)


@bp.get("/oauth/v1/generate")
def generate() -> Response:
    """A token for whoever knows the app's key and secret."""
    given = _credentials()
    if request.args.get("grant_type") != "client_credentials":
        raise DarajaError("400.008.02", "Invalid grant type passed", 400)
    if not hmac.compare_digest(given, f"{CONSUMER_KEY}:{CONSUMER_SECRET}".encode()):
        return Response(b"", 400)  # E7: wrong keys are answered with no text at all
    words = Words(refused_by, lambda: errors.internal().response())
    return around("daraja", "oauth", None, _issue, words)


def _credentials() -> bytes:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise DarajaError("400.008.01", "Invalid authentication type passed", 400)
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return b""


def _issue() -> Response:
    token, now = identifiers.access_token(), clock.now_ms()
    with books().writing() as tx:
        settings = Settings(tx)
        lifetime_ms = settings.milliseconds("token_lifetime_seconds")
        if settings.on("new_token_kills_old"):
            tx.execute("DELETE FROM token")
        tx.execute("DELETE FROM token WHERE expires_at <= ?", (now,))
        insert(tx, "token", token=token, issued_at=now, expires_at=now + lifetime_ms)
    return jsonify(access_token=token, expires_in=str(max(lifetime_ms // 1000 - 1, 0)))
