"""Kenyan mobile numbers in the form M-PESA wants: twelve digits, 2547… or 2541…"""

from __future__ import annotations

import re

MSISDN = re.compile(r"254[17]\d{8}")


def is_msisdn(text: str) -> bool:
    """Whether a text is a number exactly as Daraja takes it."""
    return MSISDN.fullmatch(text) is not None


def msisdn(typed: object) -> str:
    """Read a number as people type it (0712 345 678, +254712345678); refuses anything that is no Kenyan mobile."""
    digits = re.sub(r"[\s()+.-]", "", str(typed))
    if digits.startswith("0"):
        digits = "254" + digits[1:]
    elif len(digits) == 9 and digits[0] in "17":
        digits = "254" + digits
    if not is_msisdn(digits):
        raise ValueError(f"{typed!r} is not a Kenyan mobile number")
    return digits


def local(phone: str) -> str:
    """``0712 345 678``."""
    return f"0{phone[3:6]} {phone[6:9]} {phone[9:]}"
