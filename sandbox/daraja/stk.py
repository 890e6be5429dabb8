"""M-PESA Express: the push that puts a prompt on a phone, and the query that asks what became of it."""

from __future__ import annotations

import base64
import hmac
import sqlite3
import time
from dataclasses import dataclass

from flask import Blueprint, Response

from sandbox import clock, faults, shortcodes
from sandbox.core import books
from sandbox.daraja import errors, prompts
from sandbox.daraja.fields import Fields
from sandbox.daraja.gateway import Body, Operation, serve
from sandbox.settings import Settings

PUSH = Operation("stk_push", "stk", "BusinessShortCode", phone_field="PhoneNumber")
QUERY = Operation("stk_query", "stk", "BusinessShortCode")
ACCEPTED = "Success. Request accepted for processing"
BEFORE_ACK_SECONDS = 90

bp = Blueprint("daraja_stk", __name__)


@dataclass(frozen=True)
class Push:
    """A push that passed all checks of single fields, in Daraja's order."""

    shortcode: str
    password: str
    timestamp: str
    transaction_type: str
    amount_cents: int
    payer: str
    party_b: str
    phone: str
    callback_url: str
    account: str
    description: str

    @classmethod
    def read(cls, body: Body, settings: Settings) -> Push:
        fields = Fields(body, settings)
        return cls(
            shortcode=fields.shortcode("BusinessShortCode"),
            password=fields.text("Password"),
            timestamp=fields.timestamp("Timestamp"),
            transaction_type=fields.one_of("TransactionType", "CustomerPayBillOnline", "CustomerBuyGoodsOnline"),
            amount_cents=fields.amount_cents("Amount"),
            payer=fields.phone("PartyA"),
            party_b=fields.shortcode("PartyB"),
            phone=fields.phone("PhoneNumber"),
            callback_url=fields.url("CallBackURL"),
            account=fields.pattern("AccountReference", r"[A-Za-z0-9 ._/#-]{1,12}"),
            description=fields.optional("TransactionDesc", r".{1,13}"),
        )

    def as_row(self) -> dict[str, str | int]:
        """What is kept of it. The line that is prompted pays, since it is its holder's PIN; PartyA is only checked."""
        return {
            "shortcode": self.shortcode,
            "party_b": self.party_b,
            "transaction_type": self.transaction_type,
            "phone": self.phone,
            "amount_cents": self.amount_cents,
            "account": self.account,
            "description": self.description,
            "callback_url": self.callback_url,
        }


@bp.post("/mpesa/stkpush/v1/processrequest")
def push() -> Response:
    """Queue a prompt. The answer says no more than that."""
    return serve(PUSH, _push)


@bp.post("/mpesa/stkpushquery/v1/query")
def query() -> Response:
    """What became of a push, without receipt, amount or phone."""
    return serve(QUERY, _query, phone_of=_phone_of)


def _push(body: Body) -> Body:
    with books().writing() as tx:
        settings = Settings(tx)
        wish = Push.read(body, settings)
        if shortcodes.find(tx, wish.shortcode) is None:
            raise errors.unknown_merchant()
        _check_password(wish.shortcode, wish.timestamp, wish.password)
        busy = prompts.open_prompt(tx, wish.phone) is not None
        if busy and settings.text("busy_line_as") == "error":
            raise errors.busy_subscriber()
        prompt = prompts.create(books(), tx, wish.as_row(), settings, busy=busy)
        early = _callback_goes_first(tx, wish.phone)
    if early:
        _wait_for_callback(prompt["checkout_request_id"])
    return {
        "MerchantRequestID": prompt["merchant_request_id"],
        "CheckoutRequestID": prompt["checkout_request_id"],
        "ResponseCode": "0",
        "ResponseDescription": ACCEPTED,
        "CustomerMessage": ACCEPTED,
    }


def _check_password(shortcode: str, timestamp: str, password: str) -> None:
    right = base64.b64encode(f"{shortcode}{shortcodes.PASSKEY}{timestamp}".encode())
    if not hmac.compare_digest(right, password.encode()):
        raise errors.wrong_credentials()


def _query(body: Body) -> Body:
    with books().writing() as tx:
        settings = Settings(tx)
        fields = Fields(body, settings)
        shortcode = fields.shortcode("BusinessShortCode")
        password, timestamp = fields.text("Password"), fields.timestamp("Timestamp")
        checkout = fields.text("CheckoutRequestID")
        if shortcodes.find(tx, shortcode) is None:
            raise errors.unknown_merchant()
        _check_password(shortcode, timestamp, password)
        prompt = prompts.find(tx, checkout)
    if prompt is None or prompt["shortcode"] != shortcode:
        raise errors.invalid("CheckoutRequestID")
    return _query_answer(prompt, settings)


def _query_answer(prompt: sqlite3.Row, settings: Settings) -> Body:
    code, text = prompt["result_code"], prompt["result_text"]
    if prompt["state"] == "open":
        if settings.text("query_live_as") != "4999":
            raise errors.being_processed()
        code, text = "4999", errors.RESULTS["4999"]
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successfully",
        "MerchantRequestID": prompt["merchant_request_id"],
        "CheckoutRequestID": prompt["checkout_request_id"],
        "ResultCode": code,
        "ResultDesc": text,
    }


def _phone_of(body: Body) -> str | None:
    with books().reading() as tx:
        prompt = prompts.find(tx, str(body.get("CheckoutRequestID")))
    return prompt["phone"] if prompt else None


def _callback_goes_first(tx: sqlite3.Connection, phone: str) -> bool:
    """Whether somebody wants the callback to overtake the answer to this push."""
    return any(
        fault["fault"] == "callback_out_of_order"
        and fault["variant"] == "before_ack"
        and "stk_push" in fault["operations"]
        for fault in faults.waiting(tx, phone)
    )


def _wait_for_callback(checkout_request_id: str) -> None:
    """Hold the answer back until the callback has been posted, or for a bounded time."""
    give_up = clock.now_ms() + BEFORE_ACK_SECONDS * 1000
    while clock.now_ms() < give_up:
        with books().reading() as tx:
            if tx.execute(
                "SELECT 1 FROM delivery WHERE subject = ? AND answered_at IS NOT NULL", (checkout_request_id,)
            ).fetchone():
                return
        time.sleep(0.05)
