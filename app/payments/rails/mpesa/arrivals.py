"""Money that has reached the paybill: one receipt, credited once, whichever way we learn of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app import audit
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.money import Money
from app.payments.receipts import ReceivedMoney
from app.payments.service import PaymentService

from . import fields, queries
from .models import MpesaTransaction, TransactionChannel
from .payers import Payer

RAIL = "mpesa"
CLEARING_ACCOUNT = "1120"  # M-PESA paybill: sacco-kenya.md 3.2


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one message tells of one receipt."""

    receipt_number: str
    shortcode: str
    amount: Money
    paid_at: datetime
    payer: Payer
    payer_name: str
    account_text: str
    channel: TransactionChannel


@dataclass(frozen=True, slots=True)
class Credited:
    """Which payment a receipt belongs to, and whether this message was the first to tell of it."""

    payment_id: UUID
    transaction_id: UUID
    is_news: bool


def credit(arrival: Arrival, *, prompt: UUID | None, by: Actor) -> Credited:
    """Credit a receipt and note all that is now known of it.

    The receipt is credited first: that puts everybody with news of it in a row before anything here is written.
    """
    payment_id = PaymentService(by).receive(_received(arrival), prompt=prompt)
    # Read anew: what this session saw of the receipt before it waited its turn may be old by now.
    known = db.session.scalar(
        select(MpesaTransaction)
        .filter_by(receipt_number=arrival.receipt_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if known is None:
        known = _noted(arrival)
        db.session.add(known)
        known.payment_id = payment_id
        db.session.flush()  # the caller hangs its own record on it
        return Credited(payment_id, known.id, is_news=True)
    _add_what_is_new(known, arrival)
    known.payment_id = payment_id
    return Credited(payment_id, known.id, is_news=False)


def credit_unprompted(
    arrival: Arrival, *, shortcodes: frozenset[str], times: list[datetime] | None = None, by: Actor
) -> Credited:
    """Credit a receipt that names no prompt: to the one prompt it must be the answer to, else by itself."""
    known = queries.transaction(arrival.receipt_number)
    prompt = None
    if known is None or known.payment_id is None:
        prompt = queries.prompt_for(
            shortcodes=shortcodes,
            amount=arrival.amount,
            account_text=fields.plain_reference(arrival.account_text),
            payer=arrival.payer,
            times=times or [arrival.paid_at],
        )
    return credit(arrival, prompt=prompt, by=by)


def payer_hash(payer: Payer) -> bytes | None:
    """By which the receipts of one payer are found: of the number, or of M-PESA's own hash of it."""
    if payer.phone is not None:
        return keyed_hash("phone", payer.phone.msisdn)
    return keyed_hash("mpesa-msisdn-hash", payer.hash) if payer.hash else None


def _received(arrival: Arrival) -> ReceivedMoney:
    return ReceivedMoney(
        rail=RAIL,
        receipt_number=arrival.receipt_number,
        amount=arrival.amount,
        paid_at=arrival.paid_at,
        payer_phone=arrival.payer.phone,
        payer_name=arrival.payer_name or None,
        account_text=arrival.account_text,
        clearing_account=CLEARING_ACCOUNT,
        channel=arrival.channel.value,
    )


def _noted(arrival: Arrival) -> MpesaTransaction:
    return MpesaTransaction(
        receipt_number=arrival.receipt_number,
        shortcode=arrival.shortcode,
        amount=arrival.amount,
        paid_at=arrival.paid_at,
        payer_seen=arrival.payer.seen,
        payer_hash=payer_hash(arrival.payer),
        payer_name=arrival.payer_name or None,
        account_text=arrival.account_text,
        first_channel=arrival.channel,
        channels=[arrival.channel.value],
        seen_at=clock.now(),
    )


def _add_what_is_new(known: MpesaTransaction, arrival: Arrival) -> None:
    """Another channel tells of the same receipt: note it, fill gaps, and keep what it says otherwise for a person."""
    if arrival.channel.value not in known.channels:
        known.channels = [*known.channels, arrival.channel.value]
    known.payer_name = known.payer_name or arrival.payer_name or None
    if arrival.payer.phone is not None and Payer(known.payer_seen).phone is None:
        known.payer_seen, known.payer_hash = arrival.payer.seen, payer_hash(arrival.payer)
    if arrival.amount != known.amount:
        known.differs = f"{known.first_channel.label}: {known.amount}. {arrival.channel.label}: {arrival.amount}."
        audit.notice("mpesa.receipt_differs", receipt_number=known.receipt_number, channel=arrival.channel.value)
