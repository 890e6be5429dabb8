"""M-PESA for other programs: prompt, ask how it stands, register addresses, and the address without a secret."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app.api import bodies
from app.api.access import api_actor, scoped
from app.api.replays import answered, idempotency_key
from app.kernel.errors import Invalid
from app.kernel.idempotency import Once, once
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.payments import destinations, hooks, inbox
from app.payments import queries as payments
from app.payments.destinations import Purpose
from app.payments.errors import PaymentMissing, PurposeUnknown
from app.payments.models import Payment
from app.payments.service import Intended, PaymentService
from app.web.access import public

from . import errands, messages, queries
from .callbacks import OPEN_FLOW, RAIL
from .models import ErrandKind, ErrandState
from .schemas import PaymentAnswer, PaymentStanding, RegisterBody, RegistrationStanding, StkPushBody

bp = Blueprint("mpesa_api", __name__, url_prefix="/api/mpesa")


@bp.post("/stk-push")
@scoped("mpesa.prompt", body=StkPushBody, answer=PaymentStanding, status=202, moves_money=True)
def stk_push() -> ResponseReturnValue:
    """Prompt a member to pay."""
    key = idempotency_key()
    body = bodies.read(StkPushBody)
    return answered(in_transaction(lambda: _prompt_once(key, body)), status=202)


@bp.get("/query/<reference>")
@scoped("mpesa.query", answer=PaymentAnswer)
def query(reference: str) -> ResponseReturnValue:
    """How a payment stands, by its id or by M-PESA's CheckoutRequestID; reads what we know and asks nobody."""
    payment = _payment(reference)
    prompt = queries.prompt_of(payment.id)
    answer = PaymentAnswer(
        payment_id=payment.id,
        status=payment.state.value,
        checkout_request_id=prompt.checkout_request_id if prompt else None,
        receipt_number=payment.receipt_number,
        detail=payment.detail or payment.state.label,
    )
    return jsonify(answer.model_dump(mode="json"))


@bp.post("/c2b/register")
@scoped("mpesa.register", body=RegisterBody, answer=RegistrationStanding, status=202)
def register_c2b() -> ResponseReturnValue:
    """Have the paybill's addresses registered with M-PESA, by a job."""
    body = bodies.read(RegisterBody)
    errand_id = in_transaction(
        lambda: errands.ask(ErrandKind.C2B_REGISTER, response_type=body.response_type, by=api_actor())
    )
    standing = RegistrationStanding(registration_id=errand_id, status=ErrandState.WAITING.value)
    return jsonify(standing.model_dump(mode="json")), 202


@bp.post("/callback")
@public("M-PESA cannot sign in. This address has no secret, so what comes here proves nothing and settles nothing.")
def callback() -> ResponseReturnValue:
    """Keep what is said; at most it makes us ask M-PESA about a prompt sooner."""
    body = hooks.body_text()
    source = request.remote_addr or ""
    in_transaction(lambda: inbox.store(rail=RAIL, flow=OPEN_FLOW, subject_id=None, body=body, source_address=source))
    return jsonify(messages.RECEIVED)


def _prompt_once(key: str, body: StkPushBody) -> Once:
    return once("mpesa.stk_push", key, body.model_dump(mode="json"), by=api_actor(), work=lambda: _prompt(body))


def _prompt(body: StkPushBody) -> dict[str, object]:
    member_id = _member(body.member)
    intended = Intended(_purpose(body.purpose), _account(body), body.amount)
    payment_id = PaymentService(api_actor()).prompt(
        member_id, phone=body.phone or _payment_phone(member_id), intended=[intended]
    )
    standing = PaymentStanding(payment_id=payment_id, status=payments.get(payment_id).state.value)
    return standing.model_dump(mode="json")


def _member(text: str) -> UUID:
    """A member by number or id. Refuses with Invalid."""
    found = members.by_number(text)
    if found is None:
        try:
            found = UUID(text)
        except ValueError:
            raise Invalid({"member": "There is no member with this number."}) from None
    return found


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
    account = destinations.get(_purpose(body.purpose)).find(destinations.normalised(body.account))
    if account is None:
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
