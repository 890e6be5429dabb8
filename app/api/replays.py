"""Requests that move money carry a key of the sender's, so that sending one again is harmless."""

from __future__ import annotations

from flask import request

from app.api.errors import KeyNeeded
from app.kernel.idempotency import KEY_LENGTH

HEADER = "Idempotency-Key"


def idempotency_key(*, needed: bool) -> str | None:
    """The sender's key; None if there is none and none is needed. Refuses with KeyNeeded."""
    sent = request.headers.get(HEADER)
    if sent is None and not needed:
        return None
    key = (sent or "").strip()
    if not key or len(key) > KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyNeeded(
            f"Send a key of your own in the header {HEADER}: 1 to {KEY_LENGTH} printable characters, the same one"
            " whenever you send the same request again. Nothing was done."
        )
    return key
