"""The oracle: what really moved at each provider, whatever was told about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox import amounts, clock
from sandbox.books import Tx


def lines(tx: Tx, provider: str, day: date | None, shortcode: str | None = None) -> list[dict[str, Any]]:
    """One provider's statement of a day in Nairobi, or of all days, oldest first. Refuses an unknown provider."""
    start, end = clock.day_bounds(day) if day else (0, 1 << 62)
    if provider == "daraja":
        return _money(tx, start, end, shortcode)
    if provider == "africastalking":
        return _messages(tx, start, end)
    raise ValueError("provider must be daraja or africastalking")


def _money(tx: Tx, start: int, end: int, shortcode: str | None) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT * FROM movement WHERE at >= ? AND at < ? AND (? IS NULL OR shortcode = ?) ORDER BY at, receipt",
        (start, end, shortcode, shortcode),
    )
    return [
        {
            "receipt": row["receipt"],
            "at": clock.iso(row["at"]),
            "type": row["type"],
            "amount": amounts.plain(row["amount_cents"]),
            "direction": row["direction"],
            "phone": row["phone"],
            "account": row["account"],
            "status": row["status"],
        }
        for row in rows
    ]


def _messages(tx: Tx, start: int, end: int) -> list[dict[str, Any]]:
    """What texts have cost."""
    rows = tx.execute(
        "SELECT * FROM sms WHERE provider = 'africastalking' AND at >= ? AND at < ? ORDER BY number", (start, end)
    )
    return [
        {
            "receipt": row["id"],
            "at": clock.iso(row["at"]),
            "type": "SMS",
            "amount": f"{Decimal(row['cost_ten_thousandths']) / 10_000:.4f}",
            "direction": "out",
            "phone": row["phone"],
            "account": row["sender"],
            "status": row["status"],
        }
        for row in rows
    ]
