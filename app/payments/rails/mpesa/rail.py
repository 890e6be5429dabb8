"""M-PESA as `rails.Rail`: what payments asks of every rail, for the paybill that is current."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import Money
from app.kernel.phones import Phone
from app.payments import inbox
from app.payments.models import Payment
from app.payments.rails import Answer, Outcome

from . import configuration, fields, messages, pulling, queries
from .configuration import Configuration
from .errors import NotSetUp
from .models import STKPushRequest
from .service import MpesaService

NAME = "mpesa"


@dataclass(frozen=True, slots=True)
class PromptCall:
    """All that sending one prompt needs."""

    configuration: Configuration
    push: messages.StkPush
    limits: fields.Limits


@dataclass(frozen=True, slots=True)
class QuestionCall:
    """All that asking about one prompt needs."""

    configuration: Configuration
    checkout_request_id: str = field(repr=False)
    at: datetime


class MpesaRail:
    """Prompts on Safaricom phones."""

    name = NAME
    label = "M-PESA prompt"

    def is_ready(self) -> bool:
        """Whether a paybill is configured with all that a prompt needs."""
        current = configuration.current()
        return current is not None and current.is_complete

    def check(self, phone: Phone, amount: Money) -> None:
        """Refuse what M-PESA cannot carry, with Invalid and NotSetUp.

        Any Kenyan mobile number passes: numbers move between operators, so a range says nothing certain.
        """
        current = configuration.current()
        if current is None or not current.is_complete:
            raise NotSetUp
        try:
            fields.callback_url(current.hook("0" * 32, "stk"), plain_http=current.plain_http)
        except ValueError as wrong:
            raise NotSetUp(str(wrong)) from None
        try:
            fields.amount(amount, configuration.limits())
        except ValueError as wrong:
            raise Invalid({"amount": str(wrong)}) from None

    def prepare(self, payment: Payment, *, account_reference: str) -> None:
        """Keep what the prompt will ask for, beside the payment."""
        current = configuration.current()
        assert current is not None and payment.phone is not None, "the prompt was checked"
        db.session.add(
            STKPushRequest(
                payment_id=payment.id,
                shortcode=current.shortcode,
                phone=payment.phone,
                amount=payment.amount,
                account_reference=fields.account_reference(account_reference),
                description=fields.description(payment.allocations[0].title if payment.allocations else ""),
                created_at=clock.now(),
            )
        )

    def request_for(self, payment: Payment) -> PromptCall | None:
        """The prompt as values, with a callback address of its own; None once its paybill is no longer set up."""
        row = queries.request_of(payment.id)
        paybill = configuration.of(row.shortcode)
        if paybill is None or not paybill.is_complete:
            return None
        secret = inbox.open_address(NAME, "stk", str(payment.id))
        push = messages.StkPush(
            shortcode=paybill.shortcode,
            passkey=paybill.passkey or "",
            phone=row.phone,
            amount=row.amount,
            account_reference=row.account_reference,
            description=row.description,
            callback_url=paybill.hook(secret, "stk"),
            at=clock.now(),
            party_b=paybill.till_number,
            transaction_type="CustomerBuyGoodsOnline" if paybill.till_number else "CustomerPayBillOnline",
        )
        row.request = _as_stored(push)
        return PromptCall(paybill, push, configuration.limits())

    def send(self, request: PromptCall | None) -> Answer:
        """Ask M-PESA to ring the phone."""
        if request is None:
            return Answer(Outcome.FAILED, "M-PESA is not set up", facts={"step": "push"})
        return MpesaService(request.configuration).stk_push(request.push, request.limits)

    def question_for(self, payment: Payment) -> QuestionCall | None:
        """What to ask M-PESA by; nothing while it has not told us its id of the prompt."""
        row = queries.request_of(payment.id)
        paybill = configuration.of(row.shortcode)
        if row.checkout_request_id is None or paybill is None or not paybill.is_complete:
            return None
        return QuestionCall(paybill, row.checkout_request_id, clock.now())

    def ask(self, question: QuestionCall) -> Answer:
        """Ask M-PESA what became of a prompt."""
        return MpesaService(question.configuration).stk_query(question.checkout_request_id, at=question.at)

    def record(self, payment: Payment, answer: Answer) -> None:
        """Keep M-PESA's ids and its answer as it came."""
        row = queries.request_of(payment.id)
        if answer.facts.get("step") == "query":
            row.query_answer, row.queried_at, row.queries = answer.raw, clock.now(), row.queries + 1
            return
        row.acknowledgement, row.acknowledged_at = answer.raw, clock.now()
        checkout_request_id = answer.facts.get("checkout_request_id")
        if checkout_request_id:
            queries.note_ids(row, answer.facts["merchant_request_id"], checkout_request_id)

    def seek(self, payment: Payment) -> None:
        """Have the receipts of the prompt's time pulled soon."""
        row = queries.request_of(payment.id)
        pulling.want(row.shortcode, since=row.created_at - pulling.BEFORE_A_PROMPT)


def _as_stored(push: messages.StkPush) -> dict[str, str]:
    """The request for the record: without passkey, password and the secret address."""
    return {
        "BusinessShortCode": push.shortcode,
        "Timestamp": fields.stamp(push.at),
        "TransactionType": push.transaction_type,
        "Amount": push.amount.decimal(),
        "PhoneNumber": push.phone.msisdn,
        "AccountReference": push.account_reference,
        "TransactionDesc": push.description,
    }
