"""Requests that move money carry a key of the sender's, so that sending one again is harmless."""

from __future__ import annotations

from flask import Response, jsonify, request

from app.api.errors import KeyNeeded
from app.kernel.idempotency import KEY_LENGTH, Once

HEADER = "Idempotency-Key"


def idempotency_key() -> str:
    """The sender's key. Refuses with KeyNeeded."""
    key = request.headers.get(HEADER, "").strip()
    if not key or len(key) > KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyNeeded(
            f"Send a key of your own in the header {HEADER}: 1 to {KEY_LENGTH} printable characters, the same one"
            " whenever you send the same request again. Nothing was done."
        )
    return key


def answered(once: Once, *, status: int = 200) -> Response:
    """The answer to a request that was done once, marked if this is a repetition."""
    response = jsonify(once.value)
    response.status_code = status
    if once.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
