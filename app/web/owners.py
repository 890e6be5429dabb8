"""Tells the log of reads whose record an address shows; each room is asked about its own."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.messaging import queries as messaging
from app.payments import queries as payments
from app.savings import queries as savings
from app.web import reads


def install() -> None:
    """Register what the arguments of addresses lead to."""
    reads.leads_to("member_id", lambda member_id: [member_id])
    reads.leads_to("account_id", lambda account_id: [savings.get(account_id).member_id])
    reads.leads_to("payment_id", _of_payment)
    reads.leads_to("message_id", _of_message)


def _of_payment(payment_id: UUID) -> Iterable[object]:
    owner = payments.get(payment_id).member_id
    return [owner] if owner else []


def _of_message(message_id: UUID) -> Iterable[object]:
    """The member whom the text's cause is about: itself, or through a payment."""
    message = messaging.get(message_id)
    if message.cause_type == "payment":
        return _of_payment(UUID(message.cause_id))
    return [message.cause_id] if message.cause_type == "member" else []
