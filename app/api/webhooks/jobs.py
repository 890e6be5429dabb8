"""What the queue rings for: pass announcements on, and hand one message to its receiver."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from app.api.webhooks import client, queries, service
from app.api.webhooks.schemas import may_be_near
from app.kernel.doorbell import Ring, job, sweep
from app.kernel.leases import LeaseLost
from app.kernel.transactions import in_transaction

log = logging.getLogger(__name__)


@job("default")
def pass_on() -> None:
    """Make messages of everything that was announced since. Ringing twice makes each once."""
    while in_transaction(service.pass_on) == service.PASSED_ON_TOGETHER:
        pass


@job("messages")
def send(delivery_id: UUID) -> None:
    """Hand one message to its receiver. A death in between sends it again, under the same message id."""
    sending = in_transaction(lambda: service.claim_for_sending(delivery_id))
    if sending is None:
        return
    heard = client.send(sending.url, sending.body, sending.headers, allow_loopback=may_be_near())
    try:
        in_transaction(lambda: service.record_try(delivery_id, heard, fence=sending.fence))
    except LeaseLost:
        log.warning("a webhook was answered after its lease", extra={"webhook_delivery": str(delivery_id)})


@sweep
def left_over() -> Iterable[Ring]:
    """Announcements whose ring was lost."""
    return [("webhooks.pass_on", ())] if queries.anything_waits_to_be_passed_on() else []


@sweep
def due_deliveries() -> Iterable[Ring]:
    """Messages that wait for a worker, are due again, or that one left in the middle."""
    return [("webhooks.send", (delivery_id,)) for delivery_id in queries.due()]
