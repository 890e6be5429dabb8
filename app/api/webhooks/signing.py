"""Signatures by Standard Webhooks: HMAC-SHA-256 over message id, second and body.

A receiver that checks them knows that the message is ours, unchanged, and not an old one sent again by somebody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A fresh signing secret, as the receiver's library takes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id: str, body: bytes, *, at: datetime, signing_secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a message. While a secret is being exchanged both sign it, so that either one verifies."""
    second = str(int(at.timestamp()))
    signed = f"{message_id}.{second}.".encode() + body
    signatures = [f"v1,{_signature(secret, signed)}" for secret in signing_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
