"""C2B: addresses for payments to a paybill or till, and the simulator's button that makes a payment."""

from __future__ import annotations

from flask import Blueprint, Response

from sandbox import clock, shortcodes, wallets
from sandbox.books import Tx
from sandbox.core import books
from sandbox.daraja import errors, identifiers
from sandbox.daraja.errors import DarajaError
from sandbox.daraja.fields import Fields
from sandbox.daraja.gateway import Body, Operation, serve
from sandbox.settings import Settings

TOKEN_CODE = ("400.003.01", "Invalid Access Token", 400)
REGISTER = Operation("c2b_register", "c2b", "ShortCode", token_code=TOKEN_CODE)
SIMULATE = Operation("c2b_simulate", "c2b", "ShortCode", phone_field="Msisdn", token_code=TOKEN_CODE)

bp = Blueprint("daraja_c2b", __name__)


@bp.post("/mpesa/c2b/<any(v1, v2):version>/registerurl")
def register(version: str) -> Response:
    """Have word of payments sent to two addresses; v1 sends the number hashed, v2 masked."""
    return serve(REGISTER, lambda body: _register(body, version))


@bp.post("/mpesa/c2b/<any(v1, v2):version>/simulate")
def simulate(version: str) -> Response:
    """Pay a paybill or till as a customer would. Only in the sandbox."""
    return serve(SIMULATE, _simulate)


def _register(body: Body, version: str) -> Body:
    _need(body, "ShortCode", "ResponseType", "ConfirmationURL", "ValidationURL")
    with books().writing() as tx:
        settings = Settings(tx)
        fields = Fields(body, settings)
        shortcode = _organisation(tx, fields)
        response_type = fields.one_of("ResponseType", "Completed", "Cancelled")
        confirmation, validation = fields.url("ConfirmationURL"), fields.url("ValidationURL")
        registered = tx.execute("SELECT 1 FROM c2b_url WHERE shortcode = ?", (shortcode,)).fetchone()
        if registered and settings.text("profile") == "production":
            raise DarajaError("500.003.1001", "Urls are already registered.", 500)
        tx.execute(
            "INSERT OR REPLACE INTO c2b_url VALUES (?, ?, ?, ?, ?, ?)",
            (shortcode, version, response_type, confirmation, validation, clock.now_ms()),
        )
    return _accepted("Success")


def _simulate(body: Body) -> Body:
    _need(body, "ShortCode", "CommandID", "Amount", "Msisdn")
    with books().writing() as tx:
        settings = Settings(tx)
        if settings.text("profile") == "production":
            raise errors.not_found()
        fields = Fields(body, settings)
        shortcode = _organisation(tx, fields)
        command = fields.one_of("CommandID", "CustomerPayBillOnline", "CustomerBuyGoodsOnline")
        amount_cents, phone = fields.amount_cents("Amount"), fields.phone("Msisdn")
        paybill = command == "CustomerPayBillOnline"
        account = fields.pattern("BillRefNumber", r".{1,20}") if paybill else ""
        now = clock.now_ms()
        books().later(
            tx,
            "c2b.pay",
            now,
            phone=phone,
            shortcode=shortcode,
            account=account,
            amount_cents=amount_cents,
            receipt=wallets.fresh_receipt(tx, now),
        )
    return _accepted("Accept the service request successfully.")


def _organisation(tx: Tx, fields: Fields) -> str:
    shortcode = fields.shortcode("ShortCode")
    if shortcodes.find(tx, shortcode) is None:
        raise errors.invalid("ShortCode")
    return shortcode


def _need(body: Body, *names: str) -> None:
    """This family has its own words for a field that is not there at all."""
    if any(name not in body for name in names):
        raise DarajaError("400.003.02", "Bad Request", 400)


def _accepted(words: str) -> Body:
    return {
        "OriginatorCoversationID": identifiers.request_id(),  # the provider's own spelling
        "ResponseCode": "0",
        "ResponseDescription": words,
    }
