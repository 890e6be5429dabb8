"""What the doorbell rings payments for: send, ask, and read callbacks. Each may run twice or die half-way."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import Ring, job, sweep
from app.kernel.leases import is_due
from app.kernel.transactions import in_transaction
from app.payments import inbox, rails
from app.payments.models import CallbackWork, Payment
from app.payments.service import PaymentService
from app.payments.states import PaymentState

log = logging.getLogger(__name__)

AT_ONCE = 500  # rows a sweep rings for; the next sweep finds the rest


@job("payments")
def submit(payment_id: UUID) -> None:
    """Ask the rail to move one payment. Ringing twice changes nothing."""
    service = PaymentService(Actor.system("payments.submit"))
    call = in_transaction(lambda: service.claim_for_submission(payment_id))
    if call is None:
        return
    answer = rails.get(call.rail).send(call.message)  # no transaction is open here
    in_transaction(lambda: service.record_answer(payment_id, answer, evidence="answer"))


@job("payments")
def poll(payment_id: UUID) -> None:
    """Ask the rail what became of one payment, or have its receipt looked for."""
    service = PaymentService(Actor.system("payments.poll"))
    call = in_transaction(lambda: service.claim_for_question(payment_id))
    if call is None:
        return
    answer = rails.get(call.rail).ask(call.message)  # no transaction is open here
    in_transaction(lambda: service.record_answer(payment_id, answer, evidence="query"))


@job("callbacks")
def process_callback(callback_id: UUID) -> None:
    """Make of one stored callback what it means."""
    try:
        in_transaction(lambda: inbox.process(callback_id))
    except Exception:  # one callback that we cannot read must neither be lost nor stop the others
        log.exception("a callback failed", extra={"callback_id": str(callback_id)})
        in_transaction(lambda: inbox.note_failure(callback_id))


@sweep
def due_payments() -> Iterable[Ring]:
    """Payments to be sent, asked about or looked for, whose ring was lost or whose worker died."""
    rows = db.session.execute(
        select(Payment.id, Payment.state, Payment.resend_at)
        .where(is_due(Payment))
        .order_by(Payment.due_at)
        .limit(AT_ONCE)
    )
    return [
        ("payments.submit" if state is PaymentState.CREATED or resend_at else "payments.poll", (payment_id,))
        for payment_id, state, resend_at in rows
    ]


@sweep
def due_callbacks() -> Iterable[Ring]:
    """Callbacks that nobody has processed."""
    rows = db.session.scalars(
        select(CallbackWork.callback_id).where(is_due(CallbackWork)).order_by(CallbackWork.due_at).limit(AT_ONCE)
    )
    return [("payments.process_callback", (callback_id,)) for callback_id in rows]
