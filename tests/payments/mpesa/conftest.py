"""A small society with a paybill, and the simulated provider as a process of its own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.demo import load
from app.kernel import clock as kernel_clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import Money, kes
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members import queries as members
from app.members.models import Member
from app.payments import inbox, rails
from app.payments import queries as payments
from app.payments.destinations import Purpose
from app.payments.models import CallbackOutcome, CallbackWork, Payment
from app.payments.rails import Answer, Outcome
from app.payments.rails.mpesa import fields, queries
from app.payments.rails.mpesa.models import STKPushRequest
from app.payments.service import Intended, PaymentService
from app.savings import queries as savings
from tests.harness.servers import DEMO_PASSWORD
from tests.sandbox.server import Sandbox

OFFICER = Actor.system("tests")  # works with any record: what roles may do is tested in tests/identity
SHORTCODE = "174379"
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
MPESA = "127.0.0.1"  # in the sandbox profile the provider is on this machine
STRANGER = "203.0.113.7"
NOON = "2026-11-20T09:00:00+00:00"

QUICK = {
    "prompt_seconds": 0.1,
    "prompt_timeout_seconds": 6,
    "unreachable_seconds": 0.3,
    "callback_seconds": 0.05,
    "confirmation_seconds": 0.1,
    "validation_seconds": 1,
}
_receipts = itertools.count(1)


@pytest.fixture(scope="session")
def _daraja(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = Sandbox(tmp_path_factory.mktemp("daraja") / "books")
    yield running
    running.stop()


@pytest.fixture
def sandbox(_daraja: Sandbox) -> Iterator[Sandbox]:
    """The simulated provider: quick, and without any fault that a test did not set."""
    usual = _daraja.control("GET", "/settings")
    _daraja.settings(**QUICK)
    yield _daraja
    _daraja.control("DELETE", "/faults", expect=204)
    _daraja.settings(**usual)


@dataclass(frozen=True)
class Society:
    """One member with an account, as tests need to know them."""

    member_id: UUID
    member_number: str
    phone: Phone
    account_id: int
    account_number: str

    @property
    def reference(self) -> str:
        """What the prompt shows and a member would type."""
        return fields.plain_reference(self.account_number)

    def balance(self) -> Money:
        return ledger.balance(self.account_id)


def use_settings(app: Flask, **changes: Any) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], **changes)


@pytest.fixture
def paybill(app: Flask) -> Iterator[Callable[..., None]]:
    """A paybill from the environment; call it to change what the environment says."""
    before = app.extensions["settings"]
    use_settings(
        app,
        mpesa_api_url="http://127.0.0.1:9/daraja",
        mpesa_shortcode=SHORTCODE,
        mpesa_consumer_key="consumer-key-of-tests",
        mpesa_consumer_secret="consumer-secret-of-tests",
        mpesa_passkey=PASSKEY,
        base_url="http://127.0.0.1:8000",
    )
    yield lambda **changes: use_settings(app, **changes)
    app.extensions["settings"] = before


@pytest.fixture
def society(app: Flask, clock: Any, paybill: Any) -> Society:
    """Three members with savings, and the paybill; it is noon on 20 November 2026 in Nairobi."""
    clock.set(NOON)
    in_transaction(lambda: load.load(3, seed=7, password=DEMO_PASSWORD))
    return someone()


def someone(number: int = 0) -> Society:
    """One of the society's members who has an account and a payment phone."""
    rows = db.session.query(Member).order_by(Member.number).all()
    able = [row for row in rows if savings.accounts_of(row.id) and members.payment_phone(row.id)]
    member = able[number]
    account = savings.accounts_of(member.id)[0]
    phone = members.payment_phone(member.id)
    assert phone is not None
    return Society(member.id, member.number, phone, account.id, account.number)


def prompt(to: Society, amount: str = "1,500", *, phone: Phone | None = None) -> UUID:
    """A prompt that was asked for and not yet sent."""
    share = Intended(Purpose.SAVINGS_DEPOSIT, to.account_id, kes(amount))
    return in_transaction(
        lambda: PaymentService(OFFICER).prompt(to.member_id, phone=phone or to.phone, intended=[share])
    )


def sent(to: Society, amount: str = "1,500", *, phone: Phone | None = None, acknowledged: bool = True) -> UUID:
    """A prompt that has left; M-PESA acknowledged it, or its answer was lost."""
    payment_id = prompt(to, amount, phone=phone)
    service = PaymentService(Actor.system("payments.submit"))
    assert in_transaction(lambda: service.claim_for_submission(payment_id)) is not None
    facts = {"step": "push"}
    if acknowledged:
        facts |= {"merchant_request_id": f"29115-{payment_id.hex[-8:]}-1", "checkout_request_id": checkout(payment_id)}
    answer = Answer(Outcome.ACCEPTED if acknowledged else Outcome.UNKNOWN, "Sent to the phone", facts=facts)
    in_transaction(lambda: service.record_answer(payment_id, answer, evidence="answer"))
    return payment_id


def checkout(payment_id: UUID) -> str:
    return f"ws_CO_20112026120000{payment_id.hex[-12:]}"


def row_of(payment_id: UUID) -> STKPushRequest:
    db.session.expire_all()
    return queries.request_of(payment_id)


def payment(payment_id: UUID) -> Payment:
    db.session.expire_all()
    return payments.get(payment_id)


def receipt() -> str:
    """A receipt number that nobody has had."""
    return f"UKK{next(_receipts):07}"


def stk_body(payment_id: UUID, *, code: Any = 0, receipt_number: str | None = None, **changes: Any) -> dict[str, Any]:
    """What M-PESA posts about a prompt; ``changes`` replace items or ids."""
    row = row_of(payment_id)
    ids = {
        "MerchantRequestID": row.merchant_request_id or f"29115-{payment_id.hex[-8:]}-1",
        "CheckoutRequestID": row.checkout_request_id or checkout(payment_id),
    }
    callback: dict[str, Any] = {**ids, "ResultCode": code, "ResultDesc": "as the test says"}
    callback |= {name: value for name, value in changes.items() if name in ids}
    if code in (0, "0"):
        items = {
            "Amount": row.amount.cents / 100,
            "MpesaReceiptNumber": receipt_number,
            "TransactionDate": int(fields.stamp(kernel_clock.now())),
            "PhoneNumber": int(row.phone.msisdn),
        } | {name: value for name, value in changes.items() if name not in ids}
        listed = [{"Name": name, "Value": value} for name, value in items.items() if value is not None]
        callback["CallbackMetadata"] = {"Item": [*listed, {"Name": "Balance"}]}
    return {"Body": {"stkCallback": callback}}


def c2b_body(receipt_number: str, account: str, amount: str = "1500.00", **changes: Any) -> dict[str, Any]:
    """What M-PESA posts about a payment to the paybill."""
    return {
        "TransactionType": "Pay Bill",
        "TransID": receipt_number,
        "TransTime": fields.stamp(kernel_clock.now()),
        "TransAmount": amount,
        "BusinessShortCode": SHORTCODE,
        "BillRefNumber": account,
        "InvoiceNumber": "",
        "OrgAccountBalance": "25000.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 126",
        "FirstName": "NICHOLAS",
        "MiddleName": "",
        "LastName": "",
        **changes,
    }


def arrive(flow: str, subject: object, body: Any, *, source: str = MPESA) -> CallbackOutcome:
    """A message comes to its secret address and is dealt with; returns what was made of it."""
    text = body if isinstance(body, str) else json.dumps(body)
    subject_id = None if subject is None else str(subject)
    callback_id = in_transaction(
        lambda: inbox.store(rail="mpesa", flow=flow, subject_id=subject_id, body=text, source_address=source)
    )
    in_transaction(lambda: inbox.process(callback_id))
    db.session.expire_all()
    return db.session.get_one(CallbackWork, callback_id).outcome


def rail() -> Any:
    return rails.get("mpesa")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
