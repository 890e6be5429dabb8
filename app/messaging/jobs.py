"""What the queue rings for: send one text, find those whose ring was lost."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from app.kernel.doorbell import Ring, job, sweep
from app.kernel.leases import LeaseLost
from app.kernel.schedule import daily
from app.kernel.transactions import in_transaction
from app.messaging import queries, service
from app.messaging.provider import sms_provider

log = logging.getLogger(__name__)


@job("messages")
def send(message_id: UUID) -> None:
    """Hand one text to the provider. Ringing twice sends it once."""
    provider = sms_provider()
    if provider is None:  # switched off since; the text waits, and is given up when it is of no more use
        return
    sending = in_transaction(lambda: service.claim_for_sending(message_id))
    if sending is None:
        return
    answer = provider.send(sending.phone, sending.text)  # no transaction is open here
    try:
        in_transaction(lambda: service.record_answer(message_id, answer, fence=sending.fence))
    except LeaseLost:
        log.warning("a text was answered after its lease", extra={"sms_message": str(message_id)})


@sweep
def due_messages() -> Iterable[Ring]:
    """Texts that wait for a worker, and texts that one left in the middle."""
    if sms_provider() is None:
        return []
    return [("messaging.send", (message_id,)) for message_id in queries.due()]


@daily(at_minute=200)
def forget_old_reports() -> None:
    """Keep no delivery reports that will never be asked for."""
    in_transaction(service.forget_old_reports)
