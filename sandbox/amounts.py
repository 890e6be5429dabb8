"""Shillings as people and providers write them, kept as whole cents."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def to_cents(value: object) -> int:
    """Read ``2500``, ``"2,500.00"`` or ``"KES 2500"``; refuses a part of a cent and anything that is no amount."""
    text = str(value).upper().replace("KES", "").replace("KSH", "").replace(",", "").strip()
    try:
        cents = Decimal(text) * 100
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount") from None
    if not cents.is_finite() or cents != int(cents) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not an amount")
    return int(cents)


def plain(cents: int) -> str:
    """``2500.00``: for programs."""
    return f"{Decimal(cents) / 100:.2f}"


def grouped(cents: int) -> str:
    """``2,500.00``: for people."""
    return f"{Decimal(cents) / 100:,.2f}"
