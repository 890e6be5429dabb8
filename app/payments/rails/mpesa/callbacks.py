"""MpesaCallbackService: what is made of a message that M-PESA posted to one of our secret addresses.

A message is believed when it came to its secret address, from one of M-PESA's own, and says what we asked for. One that
does not is kept, flagged and told of as a security event, and moves nothing: the receipt is sought in M-PESA's own
list instead.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from app import audit
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.payments import destinations, inbox, receipts
from app.payments import queries as payments
from app.payments.inbox import Processed
from app.payments.models import CallbackOutcome, PaymentCallback
from app.payments.rails import Answer, Outcome
from app.payments.service import PaymentService

from . import arrivals, configuration, messages, pulling, queries, sources
from .codes import PAID, meaning_of_result
from .fields import Unreadable
from .messages import Body, C2BNotice, StkResult
from .models import C2BTransaction, STKPushRequest, TransactionChannel, ValidationPolicy
from .payers import Payer

RAIL = "mpesa"
OPEN_FLOW = "open"  # the documented address without a secret: a hint, never evidence
BETWEEN_HINTS = timedelta(seconds=20)

UNKNOWN_ACCOUNT = "C2B00012"
WRONG_SHORTCODE = "C2B00015"


class MpesaCallbackService:
    """What one message means. Every method runs inside the transaction that marks the message as dealt with."""

    def __init__(self, callback: PaymentCallback) -> None:
        self._callback = callback
        self._by = Actor.provider("daraja", address=callback.source_address)

    def stk(self) -> Processed:
        """The outcome of a prompt, on the address that was made for it."""
        if not sources.is_mpesa(self._callback.source_address):
            return self._flag("foreign_source", "It came from an address that is not M-PESA's.")
        try:
            result = messages.read_stk_callback(self._callback.body)
        except Unreadable as wrong:
            return self._flag("unreadable", str(wrong))
        payment_id = UUID(self._callback.subject_id)
        if result.receipt_number is not None:
            receipts.one_at_a_time(RAIL, result.receipt_number)  # the receipt before the payment, as everywhere
        payments.for_update(payment_id)  # the prompt's row is only changed under its payment's lock
        row = queries.request_of(payment_id)
        other = _differs(row, result)
        if other is not None:
            pulling.want(row.shortcode, since=row.created_at - pulling.BEFORE_A_PROMPT)
            return self._flag("other_content", other)
        _note_result(row, result)
        if not result.is_paid:
            return self._apply(payment_id, meaning_of_result(result.code).outcome, result)
        if result.receipt_number is None or result.amount is None:
            return self._apply(payment_id, Outcome.PAID, result)
        arrival = _arrival_of_prompt(row, result, received_at=self._callback.received_at)
        credited = arrivals.credit(arrival, prompt=payment_id, by=self._by)
        return _processed(credited.is_news)

    def confirm(self) -> Processed:
        """A payment to the paybill: final money, prompted for or not."""
        if not sources.is_mpesa(self._callback.source_address):
            return self._flag("foreign_source", "It came from an address that is not M-PESA's.")
        try:
            notice = messages.read_c2b(self._callback.body)
        except Unreadable as wrong:
            return self._flag("unreadable", str(wrong))
        paybill = configuration.of(self._callback.subject_id or "")
        if paybill is None or notice.shortcode not in paybill.numbers:
            return self._flag("other_content", "It speaks of another paybill.")
        credited = arrivals.credit_unprompted(
            _arrival_of_notice(notice, paybill.shortcode), shortcodes=paybill.numbers, by=self._by
        )
        _note_confirmation(credited, notice, self._callback)
        return _processed(credited.is_news)

    def validate(self) -> Processed:
        """A question before a payment: it was answered at once and means nothing yet."""
        if not sources.is_mpesa(self._callback.source_address):
            return self._flag("foreign_source", "It came from an address that is not M-PESA's.")
        return Processed(CallbackOutcome.REPEATED, "Answered at once")

    def pull(self) -> Processed:
        """M-PESA speaks on the address of the pull list; what it says there is not documented, so the list is read."""
        if not sources.is_mpesa(self._callback.source_address):
            return self._flag("foreign_source", "It came from an address that is not M-PESA's.")
        pulling.want_usual(self._callback.subject_id or "")
        return Processed(CallbackOutcome.APPLIED, "The list of receipts is read")

    def hint(self) -> Processed:
        """A message on the open address. At most it makes us ask M-PESA about a prompt sooner."""
        try:
            result = messages.read_stk_callback(self._callback.body)
        except Unreadable:
            return self._flag("without_secret", "It came without a secret address.")
        row = queries.by_checkout_request_id(result.checkout_request_id)
        if row is not None and (row.hinted_at is None or row.hinted_at + BETWEEN_HINTS <= clock.now()):
            PaymentService(self._by).look_soon(row.payment_id)
            row.hinted_at = clock.now()
        return self._flag("without_secret", "It came without a secret address; M-PESA is asked instead.")

    def _apply(self, payment_id: UUID, outcome: Outcome, result: StkResult) -> Processed:
        meaning = PAID if outcome is Outcome.PAID else meaning_of_result(result.code)
        answer = Answer(outcome, meaning.words, code=result.code, raw=self._callback.body)
        return _processed(PaymentService(self._by).apply_answer(payment_id, answer, evidence="callback"))

    def _flag(self, why: str, words: str) -> Processed:
        audit.notice(
            "mpesa.callback_flagged",
            why=why,
            flow=self._callback.flow,
            callback_id=str(self._callback.id),
            source=self._callback.source_address,
        )
        return Processed(CallbackOutcome.FLAGGED, words)


def register() -> None:
    """Have the inbox hand M-PESA's messages to this service; called by ``create_app``."""
    sources.check()
    inbox.handler(RAIL, "stk", lambda callback: MpesaCallbackService(callback).stk())
    inbox.handler(RAIL, "confirm", lambda callback: MpesaCallbackService(callback).confirm())
    inbox.handler(RAIL, "validate", lambda callback: MpesaCallbackService(callback).validate())
    inbox.handler(RAIL, "pull", lambda callback: MpesaCallbackService(callback).pull())
    inbox.handler(RAIL, OPEN_FLOW, lambda callback: MpesaCallbackService(callback).hint())
    inbox.responder(RAIL, "validate", answer_validation)


def answer_validation(shortcode: str, body: str) -> Body:
    """What M-PESA is told before it takes a paybill payment: read-only and at once.

    Where in doubt the payment is taken: money in suspense is found again, a member who was turned away is not.
    """
    paybill = configuration.of(shortcode)
    try:
        notice = messages.read_c2b(body)
    except Unreadable:
        return messages.VALIDATION_ACCEPTED
    if paybill is None or notice.shortcode not in paybill.numbers:
        return messages.validation_refused(WRONG_SHORTCODE)
    if paybill.validation is ValidationPolicy.ACCEPT_ALL or destinations.look_up(notice.account_text):
        return messages.VALIDATION_ACCEPTED
    return messages.validation_refused(UNKNOWN_ACCOUNT)


def _differs(row: STKPushRequest, result: StkResult) -> str | None:
    """What a callback says otherwise than our request and its acknowledgement; None when all agrees."""
    if row.checkout_request_id is not None and (result.checkout_request_id, result.merchant_request_id) != (
        row.checkout_request_id,
        row.merchant_request_id,
    ):
        return "It speaks of another request."
    if result.amount is not None and result.amount != row.amount:
        return f"{row.amount} was asked for and it speaks of {result.amount}."
    if result.payer is not None and not result.payer.is_consistent_with(row.phone):
        return "It speaks of another phone."
    return None


def _note_result(row: STKPushRequest, result: StkResult) -> None:
    """Keep the outcome, and M-PESA's ids where the callback came before the acknowledgement or instead of it.

    A failure that comes after a success is not written over it.
    """
    if row.checkout_request_id is None:
        queries.note_ids(row, result.merchant_request_id, result.checkout_request_id)
    if row.result_code != "0":
        row.result_code, row.result_description = result.code, result.description
        row.result_at = clock.now()


def _arrival_of_prompt(row: STKPushRequest, result: StkResult, *, received_at: datetime) -> arrivals.Arrival:
    assert result.receipt_number is not None and result.amount is not None
    return arrivals.Arrival(
        receipt_number=result.receipt_number,
        shortcode=row.shortcode,
        amount=result.amount,
        paid_at=result.paid_at or received_at,
        payer=result.payer or Payer(row.phone.msisdn),
        payer_name="",
        account_text=row.account_reference,
        channel=TransactionChannel.CALLBACK,
    )


def _arrival_of_notice(notice: C2BNotice, shortcode: str) -> arrivals.Arrival:
    return arrivals.Arrival(
        receipt_number=notice.receipt_number,
        shortcode=shortcode,
        amount=notice.amount,
        paid_at=notice.paid_at,
        payer=notice.payer,
        payer_name=notice.payer_name,
        account_text=notice.account_text,
        channel=TransactionChannel.CONFIRMATION,
    )


def _note_confirmation(credited: arrivals.Credited, notice: C2BNotice, callback: PaymentCallback) -> None:
    if queries.has_confirmation(credited.transaction_id):
        return
    db.session.add(
        C2BTransaction(
            transaction_id=credited.transaction_id,
            callback_id=callback.id,
            transaction_type=notice.transaction_type,
            third_party_id=notice.third_party_id,
            balance_after=notice.balance_after,
            confirmed_at=clock.now(),
        )
    )


def _processed(is_news: bool) -> Processed:
    return Processed(CallbackOutcome.APPLIED if is_news else CallbackOutcome.REPEATED)
