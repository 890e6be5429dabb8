"""Texts on the phones: what M-PESA itself writes, and how long a text is in parts."""

from __future__ import annotations

import secrets
import sqlite3

from sandbox import amounts, clock, wallets
from sandbox.books import Tx, insert

GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = set("\f^{}\\[~]|€")


def parts(text: str) -> int:
    """How many messages a text is sent and paid as (reference/ussd-sms.md 3)."""
    if set(text) <= GSM_BASIC | GSM_EXTENDED:
        return _split([2 if letter in GSM_EXTENDED else 1 for letter in text], 160, 153)
    return _split([len(letter.encode("utf-16-le")) // 2 for letter in text], 70, 67)


def _split(widths: list[int], single: int, joined: int) -> int:
    if sum(widths) <= single:
        return 1
    count, room = 1, joined
    for width in widths:
        if width > room:  # an escape or surrogate pair is never cut in two
            count, room = count + 1, joined
        room -= width
    return count


def store(
    tx: Tx,
    *,
    provider: str,
    phone: str,
    sender: str,
    text: str,
    cost_ten_thousandths: int = 0,
    message_id: str | None = None,
    arrives: bool = True,
) -> str:
    """Put a text on a phone, or only on the books if the phone is off; gives its id."""
    wallets.wallet(tx, phone)
    message_id = message_id or f"MP{secrets.token_hex(8)}"
    insert(
        tx,
        "sms",
        id=message_id,
        provider=provider,
        phone=phone,
        sender=sender,
        text=text,
        at=clock.now_ms(),
        parts=parts(text),
        cost_ten_thousandths=cost_ten_thousandths,
        status="Sent" if arrives else "Held",
    )
    return message_id


def inbox(tx: Tx, *, phone: str | None, provider: str | None, limit: int = 500) -> list[sqlite3.Row]:
    """Texts that reached a phone, newest first."""
    return tx.execute(
        "SELECT * FROM sms WHERE (? IS NULL OR phone = ?) AND (? IS NULL OR provider = ?)"
        " AND status IN ('Sent', 'Success') ORDER BY number DESC LIMIT ?",
        (phone, phone, provider, provider, limit),
    ).fetchall()


def payment_receipt(tx: Tx, receipt: str) -> None:
    """M-PESA's own text to the customer."""
    line = wallets.movement(tx, receipt)
    assert line is not None
    holder = wallets.wallet(tx, line["phone"])
    receiver = tx.execute("SELECT name FROM shortcode WHERE code = ?", (line["shortcode"],)).fetchone()["name"]
    at = clock.eat(line["at"])
    where = f" for account {line['account']}" if line["account"] else ""
    store(
        tx,
        provider="daraja",
        phone=line["phone"],
        sender="MPESA",
        text=f"{receipt} Confirmed. Ksh{amounts.grouped(line['amount_cents'])} sent to {receiver}{where} on "
        f"{at.day}/{at.month}/{at:%y} at {at:%I:%M %p}. New M-PESA balance is "
        f"Ksh{amounts.grouped(holder['balance_cents'])}. Transaction cost, Ksh0.00.",
    )
