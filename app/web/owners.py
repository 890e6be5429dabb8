"""Tells the log of reads whose record an address shows; each room is asked about its own."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.members import queries as members
from app.messaging import queries as messaging
from app.payments import queries as payments
from app.savings import queries as savings
from app.web import reads


def install() -> None:
    """Register what the arguments of addresses lead to."""
    reads.leads_to("member_id", lambda member_id: [member_id])
    reads.leads_to("account_id", lambda account_id: [savings.get(account_id).member_id])
    reads.leads_to("member_number", lambda number: [members.by_number(number)])
    reads.leads_to("account_number", lambda number: [savings.get(savings.numbered(number)).member_id])
    reads.leads_to("payment_id", _of_payment)
    reads.leads_to("message_id", _of_message)


def _of_payment(payment_id: UUID) -> Iterable[object]:
    owner = payments.get(payment_id).member_id
    return [owner] if owner else []


def _of_message(message_id: UUID) -> Iterable[object]:
    """The member to whom the text went, where one is known."""
    found = messaging.addressee(message_id)
    return [found.member_id] if found and found.member_id else []
