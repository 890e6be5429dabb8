"""Codes of an authenticator app (TOTP, RFC 6238): what the app is told, and which step a code belongs to."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

import pyotp
import segno

ISSUER = "Pamoja"
SECRET_BYTES = 20  # RFC 4226: 160 bits
STEP_SECONDS = 30
DIGITS = 6
STEPS_AROUND = 1  # a phone's clock is a little off, and a person takes a while to type


def secret_from(seed: bytes) -> str:
    """The secret as the app wants it, made of random bytes."""
    return base64.b32encode(seed[:SECRET_BYTES]).decode()


def step_of(instant: datetime) -> int:
    """The number of the half minute that an instant lies in."""
    return int(instant.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """What the app shows during this step."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).generate_otp(step)


def matching_step(secret: str, typed: str, *, instant: datetime) -> int | None:
    """The latest step around this instant whose code was typed, or None."""
    now = step_of(instant)
    around = range(now + STEPS_AROUND, now - STEPS_AROUND - 1, -1)
    return next((step for step in around if hmac.compare_digest(code_at(secret, step).encode(), typed.encode())), None)


def address(secret: str, username: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=username, issuer_name=ISSUER)


def picture(text: str) -> str:
    """A QR code as inline SVG: dark on light in both colour schemes, as cameras need it."""
    code = segno.make(text, error="l", micro=False)
    return code.svg_inline(light="#fff", svgclass="qr", lineclass=None, omitsize=True)


def in_groups(secret: str) -> str:
    """The secret as people type it into an app that cannot scan."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
