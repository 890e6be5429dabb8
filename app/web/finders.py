"""What the search finds, room by room; each asks its room and says where a hit leads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import url_for

from app.members import queries as members_of
from app.payments import queries as payments
from app.payments.queries import PaymentFilter
from app.savings import queries as savings
from app.web import formats, reach
from app.web.search import Hit

_RECEIPT = re.compile(r"[A-Za-z0-9]{8,16}")
_ACCOUNT = re.compile(r"SV[- ]?\d+", re.IGNORECASE)


def members(text: str, limit: int) -> Sequence[Hit]:
    """By a part of the name, number, phone or ID."""
    return [
        Hit(
            hit.name,
            " · ".join(part for part in (hit.number, formats.masked(hit.phone)) if part),
            url_for("profile.show", member_id=hit.id),
            hit.id,
        )
        for hit in members_of.search(text, limit, within=reach.of("members.view"))
    ]


def accounts(text: str, limit: int) -> Sequence[Hit]:
    """By the whole number, as it is written or without its sign."""
    account_id = savings.by_number(text) if _ACCOUNT.fullmatch(text) else None
    place = savings.whereabouts(account_id) if account_id else None
    if account_id is None or place is None or not reach.of("savings.view").holds(place):
        return []
    found = savings.describe(account_id)
    owner = members_of.get(found.member_id)
    return [Hit(found.label, owner.name, url_for("savings.account", account_id=account_id), found.member_id)]


def receipts(text: str, limit: int) -> Sequence[Hit]:
    """By the provider's receipt number."""
    if not _RECEIPT.fullmatch(text):
        return []
    found = payments.history(PaymentFilter(receipt=text.upper()), within=reach.of("payments.view"), size=limit).items
    return [
        Hit(
            payment.receipt_number or "",
            f"{payment.amount} · {formats.day(payment.created_at)}",
            url_for("payments.show", payment_id=payment.id),
            payment.member_id,
        )
        for payment in found
    ]
