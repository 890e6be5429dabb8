"""What a receiver can be told about, and how a message reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.kernel.announcements import Announcement


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of announcement that leaves the house."""

    name: str
    label: str


EVENTS = {
    event.name: event
    for event in (
        Event("payment.succeeded", "Money came in or went out, and is in the ledger"),
        Event("payment.failed", "A payment failed"),
        Event("payment.cancelled", "A payment was cancelled"),
        Event("payment.expired", "A prompt was not answered"),
        Event("payment.unknown", "A payment is being checked"),
        Event("payment.settled", "A payment was found in the provider's statement"),
        Event("payment.reversed", "A payment was reversed"),
        Event("payment.allocated", "Money in suspense was allocated"),
        Event("member.registered", "A member was registered"),
        Event("member.status_changed", "A member's status changed"),
        Event("savings.account_opened", "A savings account was opened"),
        Event("savings.account_closed", "A savings account was closed"),
    )
}
TEST_EVENT = "webhook.test"
"""Sent by the button on a receiver's page, and by nothing else."""


def message(announcement: Announcement) -> bytes:
    """The body: the same bytes at every try, so that a receiver may compare them."""
    body: dict[str, Any] = {
        "type": announcement.event,
        "timestamp": announcement.at.isoformat().replace("+00:00", "Z"),
        "data": announcement.facts,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
