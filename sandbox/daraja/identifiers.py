"""Ids in the formats of reference/mpesa.md 1.5. They look real; nobody may read meaning into them."""

from __future__ import annotations

import hashlib
import secrets
import string

from sandbox import clock

RECEIPT_ALPHABET = string.ascii_uppercase + string.digits
TOKEN_ALPHABET = string.ascii_letters + string.digits
FIRST_RECEIPT_YEAR = 2006  # A; the code runs on from there: N 2019, S 2024, T 2025, U 2026


def receipt(at_ms: int) -> str:
    """Ten characters: year, month and day as one letter or digit each, then seven at random."""
    day = clock.eat(at_ms)
    year = string.ascii_uppercase[(day.year - FIRST_RECEIPT_YEAR) % 26]
    month = string.ascii_uppercase[day.month - 1]
    number = str(day.day) if day.day <= 9 else string.ascii_uppercase[day.day - 10]
    return year + month + number + "".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(7))


def checkout_request_id(at_ms: int, phone: str) -> str:
    """``ws_CO_`` + day first, milliseconds and the subscriber's nine digits."""
    at = clock.eat(at_ms)
    return f"ws_CO_{at.strftime('%d%m%Y%H%M%S')}{at_ms % 1000:03d}{phone[3:]}"


def request_id() -> str:
    """MerchantRequestID, OriginatorCoversationID and requestId today: f1e2-4b95-a71d-b30d3cdbb7a7942864."""
    digits = secrets.token_hex(12)
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:24]}{secrets.randbelow(10**6):06d}"


def reference_id() -> str:
    """ResponseRefID of the pull API, in the older form: 26178-42530161-2."""
    return (
        f"{secrets.randbelow(90_000) + 10_000}-{secrets.randbelow(90_000_000) + 10_000_000}-{secrets.randbelow(9) + 1}"
    )


def access_token() -> str:
    """28 letters and digits."""
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(28))


def hashed_msisdn(phone: str) -> str:
    """What C2B v1 sends instead of the number (which string is hashed is an assumption of the reference)."""
    return hashlib.sha256(phone.encode()).hexdigest()


def masked_msisdn(phone: str) -> str:
    """What C2B v2 sends instead of the number."""
    return f"{phone[:4]} ***** {phone[-3:]}"


def older_masked_msisdn(phone: str) -> str:
    """The mask of older samples."""
    return f"{phone[:5]}****{phone[-3:]}"
