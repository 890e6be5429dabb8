"""Tells the gate where records belong whose rooms do not know of members and staff."""

from __future__ import annotations

from uuid import UUID

from app.kernel.reach import SOCIETY_WIDE, Whereabouts
from app.members import queries as members
from app.messaging import queries as messaging


def message(message_id: UUID) -> Whereabouts | None:
    """Where a text belongs: where the member does to whom it went; None if there is none."""
    found = messaging.addressee(message_id)
    if found is None:
        return None
    return members.whereabouts(found.member_id) if found.member_id else SOCIETY_WIDE
