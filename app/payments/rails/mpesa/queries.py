"""Reading what the rail keeps, and the small notes that several of its doors make."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import distinct_on

from app import audit
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.money import Money
from app.payments.models import Payment
from app.payments.states import PaymentState

from .models import C2BTransaction, ErrandKind, MpesaConfiguration, MpesaErrand, MpesaTransaction, STKPushRequest
from .payers import Payer

MATCH_WINDOW = timedelta(minutes=15)  # architecture: a receipt looks for its prompt this far before and after

_NOT_YET_SUCCEEDED = [
    state
    for state in PaymentState
    if state not in (PaymentState.CREATED, PaymentState.SUCCEEDED, PaymentState.SETTLED, PaymentState.REVERSED)
]


def request_of(payment_id: UUID) -> STKPushRequest:
    """The prompt of a payment."""
    return db.session.scalars(select(STKPushRequest).filter_by(payment_id=payment_id)).one()


def prompt_of(payment_id: UUID) -> STKPushRequest | None:
    """The prompt of a payment; None for money that came by itself."""
    return db.session.scalar(select(STKPushRequest).filter_by(payment_id=payment_id))


def by_checkout_request_id(checkout_request_id: str) -> STKPushRequest | None:
    """The prompt that M-PESA knows by this id."""
    return db.session.scalar(
        select(STKPushRequest).filter_by(checkout_request_hash=_checkout_hash(checkout_request_id))
    )


def note_ids(row: STKPushRequest, merchant_request_id: str, checkout_request_id: str) -> None:
    """Keep M-PESA's ids of a prompt: encrypted, as one of them contains the payer's number, and findable.

    An id that M-PESA has given to another prompt already is of no use to find either.
    """
    other = by_checkout_request_id(checkout_request_id)
    if other is not None and other.id != row.id:
        audit.notice("mpesa.request_id_repeated", payment_id=str(row.payment_id), other=str(other.payment_id))
        return
    row.merchant_request_id, row.checkout_request_id = merchant_request_id, checkout_request_id
    row.checkout_request_hash = _checkout_hash(checkout_request_id)


def _checkout_hash(checkout_request_id: str) -> bytes:
    return keyed_hash("mpesa-checkout", checkout_request_id)


def prompt_for(
    *, shortcodes: Collection[str], amount: Money, account_text: str, payer: Payer, times: Sequence[datetime]
) -> UUID | None:
    """The one prompt that a receipt, which names none, must be the answer to; None when there is none or more than one.

    Shortcode, amount and account reference must be equal, what is seen of the payer must fit the phone, and the receipt
    must lie within a quarter of an hour of the prompt. ``times`` holds each way its time may be read.
    """
    rows = db.session.execute(
        select(STKPushRequest.payment_id, STKPushRequest.phone, STKPushRequest.created_at)
        .join(Payment, Payment.id == STKPushRequest.payment_id)
        .where(
            STKPushRequest.shortcode.in_(shortcodes),
            STKPushRequest.amount == amount,
            STKPushRequest.account_reference == account_text,
            STKPushRequest.created_at >= min(times) - MATCH_WINDOW,
            STKPushRequest.created_at <= max(times) + MATCH_WINDOW,
            Payment.state.in_(_NOT_YET_SUCCEEDED),
            Payment.receipt_number.is_(None),
        )
    )
    fitting = [
        payment_id
        for payment_id, phone, created_at in rows
        if payer.is_consistent_with(phone) and any(abs(at - created_at) <= MATCH_WINDOW for at in times)
    ]
    return fitting[0] if len(fitting) == 1 else None


def transaction(receipt_number: str) -> MpesaTransaction | None:
    """What is known of a receipt."""
    return db.session.scalar(select(MpesaTransaction).filter_by(receipt_number=receipt_number))


def has_confirmation(transaction_id: UUID) -> bool:
    """Whether a paybill confirmation of this receipt has been kept already."""
    return bool(db.session.scalar(select(exists().where(C2BTransaction.transaction_id == transaction_id))))


def known_receipts(receipt_numbers: Collection[str]) -> set[str]:
    """Which of these receipts have a payment already."""
    return set(
        db.session.scalars(
            select(MpesaTransaction.receipt_number).where(
                MpesaTransaction.receipt_number.in_(receipt_numbers), MpesaTransaction.payment_id.is_not(None)
            )
        )
    )


def configuration_row(shortcode: str | None = None) -> MpesaConfiguration | None:
    """The administrator's settings: those in force, or those of one paybill."""
    wanted = MpesaConfiguration.is_current if shortcode is None else MpesaConfiguration.shortcode == shortcode
    return db.session.scalar(select(MpesaConfiguration).where(wanted))


def latest_errands(shortcode: str) -> dict[ErrandKind, MpesaErrand]:
    """The last errand of each kind for a paybill."""
    rows = db.session.scalars(
        select(MpesaErrand)
        .filter_by(shortcode=shortcode)
        .ext(distinct_on(MpesaErrand.kind))
        .order_by(MpesaErrand.kind, MpesaErrand.asked_at.desc(), MpesaErrand.id.desc())
    )
    return {row.kind: row for row in rows}
