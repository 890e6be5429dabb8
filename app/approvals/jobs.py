"""What happens by the clock: what nobody decided in time is let go."""

from __future__ import annotations

import logging
from uuid import UUID

from app.approvals import queries, service
from app.kernel.errors import Refusal
from app.kernel.schedule import every
from app.kernel.transactions import in_transaction

log = logging.getLogger(__name__)


@every(minutes=15)
def expire() -> None:
    """End what has waited too long, one by one: what cannot be ended must not keep the others waiting."""
    for approval_id in queries.overdue_ids():
        _expire_one(approval_id)


def _expire_one(approval_id: UUID) -> None:
    try:
        in_transaction(lambda: service.expire(approval_id))
    except Refusal as refusal:
        log.warning("a request could not expire", extra={"approval_id": str(approval_id), "why": refusal.code})
