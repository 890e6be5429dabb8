"""M-PESA for other programs: prompt, ask how it stands, register addresses, and the address without a secret."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app.api.access import api_actor
from app.api.endpoints import Contract, carry_out, described, scoped
from app.kernel.errors import Invalid
from app.kernel.idempotency import Once
from app.kernel.phones import Phone
from app.kernel.reach import Whereabouts
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.members.errors import MemberMissing
from app.payments import destinations, hooks, inbox
from app.payments import queries as payments
from app.payments.destinations import Purpose
from app.payments.errors import AccountNotFitting, PaymentMissing, PromptOpen, PurposeUnknown
from app.payments.models import Payment
from app.payments.service import Intended, PaymentService
from app.web import reach, reads
from app.web.access import public

from . import errands, messages, queries
from .callbacks import OPEN_FLOW, RAIL
from .models import ErrandKind, ErrandState
from .schemas import (
    AnyCallback,
    PaymentAnswer,
    PaymentStanding,
    Received,
    RegisterBody,
    RegistrationStanding,
    StkPushBody,
)

bp = Blueprint("mpesa_api", __name__, url_prefix="/api/mpesa")


@bp.post("/stk-push")
@scoped(
    "mpesa.prompt",
    body=StkPushBody,
    answer=PaymentStanding,
    status=202,
    moves_money=True,
    refuses=(PromptOpen, PurposeUnknown, AccountNotFitting),
)
def stk_push(body: StkPushBody, key: str) -> Once:
    """Prompt a member to pay.

    Answered at once: M-PESA is asked afterwards, and the status tells how it went.
    """
    return carry_out("mpesa.stk_push", key, body.model_dump(mode="json"), lambda: _prompt(body))


@bp.get("/query/<payment_reference>")
@scoped("mpesa.query", answer=PaymentAnswer, refuses=(PaymentMissing,))
def query(payment_reference: str) -> PaymentAnswer:
    """How a payment stands, by its id or by M-PESA's CheckoutRequestID.

    Reads what we know and asks nobody; that it was read is on record.
    """
    payment = _payment(payment_reference)
    reads.shown(payments.members_of([payment]))
    prompt = queries.prompt_of(payment.id)
    return PaymentAnswer(
        payment_id=payment.id,
        status=payment.state,
        checkout_request_id=prompt.checkout_request_id if prompt else None,
        receipt_number=payment.receipt_number,
        detail=payment.detail or payment.state.label,
    )


@bp.post("/c2b/register")
@scoped("mpesa.register", body=RegisterBody, answer=RegistrationStanding, status=202)
def register_c2b(body: RegisterBody, key: str | None) -> Once:
    """Have the paybill's addresses registered with M-PESA, by a job."""
    by = api_actor()

    def work() -> Mapping[str, object]:
        errand_id = errands.ask(ErrandKind.C2B_REGISTER, response_type=body.response_type, by=by)
        return RegistrationStanding(registration_id=errand_id, status=ErrandState.WAITING).model_dump(mode="json")

    return carry_out("mpesa.c2b_register", key, body.model_dump(mode="json"), work)


@bp.post("/callback")
@described(Contract(answer=Received, body=AnyCallback))
@public("M-PESA cannot sign in. This address has no secret, so what comes here proves nothing and settles nothing.")
def callback() -> ResponseReturnValue:
    """Keep what is said; at most it makes us ask M-PESA about a prompt sooner."""
    body = hooks.body_text()
    source = request.remote_addr or ""
    in_transaction(lambda: inbox.store(rail=RAIL, flow=OPEN_FLOW, subject_id=None, body=body, source_address=source))
    return jsonify(messages.RECEIVED)


def whereabouts(payment_reference: str) -> Whereabouts | None:
    """Where the payment belongs that a reference names; None if there is none."""
    try:
        return payments.whereabouts(_payment(payment_reference).id)
    except PaymentMissing:
        return None


def _prompt(body: StkPushBody) -> Mapping[str, object]:
    member_id = _member(body.member)
    intended = Intended(_purpose(body.purpose), _account(body), body.amount)
    payment_id = PaymentService(api_actor()).prompt(
        member_id, phone=body.phone or _payment_phone(member_id), intended=[intended]
    )
    standing = PaymentStanding(payment_id=payment_id, status=payments.get(payment_id).state)
    return standing.model_dump(mode="json")


def _member(text: str) -> UUID:
    """A member within reach by number or id. Refuses with Invalid and MemberMissing, be there one beyond or not."""
    found = members.by_number(text)
    if found is not None and _is_within_reach(found):
        return found
    try:
        asked = UUID(text)
    except ValueError:
        raise Invalid({"member": "There is no member with this number."}) from None
    if not _is_within_reach(asked):
        raise MemberMissing
    return asked


def _is_within_reach(member_id: UUID) -> bool:
    place = members.whereabouts(member_id)
    return place is not None and reach.of("payments.prompt").holds(place)


def _payment_phone(member_id: UUID) -> Phone:
    phone = members.payment_phone(member_id)
    if phone is None:
        raise Invalid({"phone": "The member has no payment phone: name one."})
    return phone


def _purpose(text: str) -> Purpose:
    """A purpose whose room is here. Refuses with PurposeUnknown."""
    if text not in {destination.purpose.value for destination in destinations.every()}:
        raise PurposeUnknown
    return Purpose(text)


def _account(body: StkPushBody) -> int | None:
    """The account by its number; that it fits member and purpose is checked when the payment is made."""
    if body.account is None:
        return None
    destination = destinations.get(_purpose(body.purpose))
    account = destination.find(destinations.normalised(body.account))
    if account is None or not _is_within_reach(destination.describe(account).member_id):
        raise Invalid({"account": "There is no account with this number."})
    return account


def _payment(reference: str) -> Payment:
    """A payment of this rail, by its id or CheckoutRequestID. Refuses with PaymentMissing."""
    try:
        payment = payments.get(UUID(reference))
    except ValueError:
        prompt = queries.by_checkout_request_id(reference)
        if prompt is None:
            raise PaymentMissing from None
        payment = payments.get(prompt.payment_id)
    if payment.rail != RAIL:
        raise PaymentMissing
    return payment
