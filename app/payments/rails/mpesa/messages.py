"""Our words to Daraja's and theirs to ours: pure functions both ways, compared with stored samples.

Builders return the body of a request and raise ValueError in plain words. Readers return small values, take fields in
any order and spelling, ignore what they do not know, and raise `Unreadable` for what they cannot trust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.kernel.money import Money
from app.kernel.phones import Phone

from . import fields
from .fields import Fields, Unreadable
from .payers import Payer
from .replies import Reply, lenient

Body = dict[str, Any]
ResponseType = Literal["Completed", "Cancelled"]
TransactionType = Literal["CustomerPayBillOnline", "CustomerBuyGoodsOnline"]

PULL_PAGE_ROWS = 100  # the portal's example implies it; unconfirmed, so only an empty page ends the reading


# Token -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it is good for."""

    value: str = field(repr=False)
    lifetime_seconds: int


def read_token(reply: Reply) -> Token:
    """The token of an OAuth answer; its lifetime comes as a text or a number."""
    body = reply.body
    if reply.status != 200 or body is None:
        raise Unreadable("M-PESA gave no access token.")
    lifetime = body.text("expires_in")
    if not lifetime.isdecimal():
        raise Unreadable("M-PESA gave a token without a lifetime.")
    return Token(body.needed("access_token"), int(lifetime))


# STK push --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StkPush:
    """One prompt, as plain values."""

    shortcode: str
    passkey: str = field(repr=False)
    phone: Phone = field(repr=False)
    amount: Money
    account_reference: str
    description: str
    callback_url: str = field(repr=False)
    at: datetime
    party_b: str | None = None  # the till number, where the shortcode is a head office
    transaction_type: TransactionType = "CustomerPayBillOnline"


def stk_push_request(push: StkPush, limits: fields.Limits | None = None, *, plain_http: bool = False) -> Body:
    """The body that makes the phone ring. Raises ValueError."""
    timestamp = fields.stamp(push.at)
    business_shortcode = fields.shortcode(push.shortcode)
    return {
        "BusinessShortCode": business_shortcode,
        "Password": fields.password(business_shortcode, push.passkey, timestamp),
        "Timestamp": timestamp,
        "TransactionType": push.transaction_type,
        "Amount": fields.amount(push.amount, limits),
        "PartyA": push.phone.msisdn,
        "PartyB": fields.shortcode(push.party_b or push.shortcode),
        "PhoneNumber": push.phone.msisdn,
        "CallBackURL": fields.callback_url(push.callback_url, plain_http=plain_http),
        "AccountReference": fields.account_reference(push.account_reference),
        "TransactionDesc": fields.description(push.description),
    }


@dataclass(frozen=True, slots=True)
class StkAcknowledgement:
    """M-PESA queued the prompt; nothing is paid yet."""

    merchant_request_id: str
    checkout_request_id: str
    description: str


def read_stk_acknowledgement(reply: Reply) -> StkAcknowledgement | None:
    """The acknowledgement of a prompt; None when the answer is none (a refusal, a page, silence)."""
    body = reply.body
    if reply.status != 200 or body is None:
        return None
    try:
        if body.text("ResponseCode") != "0":
            return None
        return StkAcknowledgement(
            body.needed("MerchantRequestID"), body.needed("CheckoutRequestID"), body.text("ResponseDescription")
        )
    except Unreadable:
        return None


def stk_query_request(business_shortcode: str, passkey: str, checkout_request_id: str, *, at: datetime) -> Body:
    """The body that asks what became of a prompt."""
    timestamp = fields.stamp(at)
    return {
        "BusinessShortCode": business_shortcode,
        "Password": fields.password(business_shortcode, passkey, timestamp),
        "Timestamp": timestamp,
        "CheckoutRequestID": checkout_request_id,
    }


@dataclass(frozen=True, slots=True)
class StkResult:
    """What became of a prompt, from a callback or a query. A query knows neither receipt, amount nor phone."""

    merchant_request_id: str
    checkout_request_id: str
    code: str
    description: str
    amount: Money | None = None
    receipt_number: str | None = None
    paid_at: datetime | None = None
    payer: Payer | None = None

    @property
    def is_paid(self) -> bool:
        return self.code == "0"


def read_stk_query(reply: Reply) -> StkResult | None:
    """The result of a query; None when it answered something else than a result."""
    body = reply.body
    if reply.status != 200 or body is None:
        return None
    try:
        if body.text("ResponseCode") != "0" or not body.text("ResultCode"):
            return None
        return StkResult(
            body.text("MerchantRequestID"),
            body.text("CheckoutRequestID"),
            body.text("ResultCode"),
            body.text("ResultDesc"),
        )
    except Unreadable:
        return None


def read_stk_callback(raw: bytes | str) -> StkResult:
    """The result that M-PESA posts to the prompt's own address. Raises `Unreadable`."""
    callback = Fields(Fields(Fields(fields.read_json(raw)).get("Body")).get("stkCallback"))
    items = Fields(_items(callback.get("CallbackMetadata")))
    return StkResult(
        merchant_request_id=callback.needed("MerchantRequestID"),
        checkout_request_id=callback.needed("CheckoutRequestID"),
        code=callback.needed("ResultCode"),
        description=callback.text("ResultDesc"),
        amount=_optional(items, "Amount", fields.read_amount),
        receipt_number=fields.read_receipt(items.get("MpesaReceiptNumber")),
        paid_at=_optional(items, "TransactionDate", fields.read_stamp),
        payer=_optional(items, "PhoneNumber", lambda value: Payer(fields.as_text(value))),
    )


def _items(metadata: object) -> Body:
    """``{"Item":[{"Name":…,"Value":…}]}`` as one object: any order, one item or many, a value or none."""
    if metadata is None:
        return {}
    listed = Fields(metadata).get("Item")
    found: Body = {}
    for item in [] if listed is None else listed if isinstance(listed, list) else [listed]:
        name, value = Fields(item).text("Name"), Fields(item).get("Value")
        if name in found and found[name] != value:
            raise Unreadable(f"{name} is there twice, and differs.")
        found[name] = value
    return found


def _optional(values: Fields, name: str, read: Any) -> Any:
    value = values.get(name)
    return None if value is None or value == "" else read(value)


# C2B -------------------------------------------------------------------------------------------------


def c2b_register_request(
    shortcode: str, response_type: ResponseType, confirmation_url: str, validation_url: str, *, plain_http: bool = False
) -> Body:
    """The body that registers where paybill payments are announced. Raises ValueError."""
    if response_type not in ("Completed", "Cancelled"):
        raise ValueError("Choose Completed or Cancelled.")
    return {
        "ShortCode": fields.shortcode(shortcode),
        "ResponseType": response_type,
        "ConfirmationURL": fields.callback_url(confirmation_url, plain_http=plain_http),
        "ValidationURL": fields.callback_url(validation_url, plain_http=plain_http),
    }


@dataclass(frozen=True, slots=True)
class C2BNotice:
    """A payment to the paybill, as validation asks about it or confirmation reports it."""

    transaction_type: str
    receipt_number: str
    paid_at: datetime
    amount: Money
    shortcode: str
    account_text: str
    payer: Payer
    payer_name: str
    third_party_id: str
    balance_after: Money | None


def read_c2b(raw: bytes | str) -> C2BNotice:
    """A validation or a confirmation: their fields are the same. Raises `Unreadable`."""
    body = Fields(fields.read_json(raw))
    names = (body.text("FirstName"), body.text("MiddleName"), body.text("LastName"))
    return C2BNotice(
        transaction_type=body.text("TransactionType"),
        receipt_number=fields.needed_receipt(body.get("TransID")),
        paid_at=fields.read_stamp(body.get("TransTime")),
        amount=fields.read_amount(body.get("TransAmount")),
        shortcode=body.needed("BusinessShortCode", "ShortCode"),
        account_text=body.text("BillRefNumber"),
        payer=Payer(body.text("MSISDN")),
        payer_name=" ".join(name for name in names if name),
        third_party_id=body.text("ThirdPartyTransID"),
        balance_after=_balance(body.get("OrgAccountBalance")),
    )


def _balance(value: object) -> Money | None:
    """Our balance after the payment, where it is told: a check, for which money is never turned away."""
    try:
        return fields.read_amount(value)
    except Unreadable:
        return None


VALIDATION_ACCEPTED: Body = {"ResultCode": "0", "ResultDesc": "Accepted"}
RECEIVED: Body = {"ResultCode": 0, "ResultDesc": "Accepted"}  # to every other message, also to one we cannot use


def validation_refused(code: str) -> Body:
    """The answer that makes M-PESA turn a payment away; the code chooses what the payer is told."""
    return {"ResultCode": code, "ResultDesc": "Rejected"}


# Pull ------------------------------------------------------------------------------------------------


def pull_register_request(shortcode: str, nominated: Phone, callback: str, *, plain_http: bool = False) -> Body:
    """The body that opens the pull API for a paybill, once. Raises ValueError."""
    return {
        "ShortCode": fields.shortcode(shortcode),
        "RequestType": "Pull",
        "NominatedNumber": nominated.msisdn,
        "CallBackURL": fields.callback_url(callback, plain_http=plain_http),
    }


def pull_request(shortcode: str, since: datetime, until: datetime, offset: int = 0) -> Body:
    """The body that asks which payments the paybill received; M-PESA knows the last 48 hours."""
    return {
        "ShortCode": fields.shortcode(shortcode),
        "StartDate": fields.pull_stamp(since),
        "EndDate": fields.pull_stamp(until),
        "OffSetValue": str(offset),
    }


@dataclass(frozen=True, slots=True)
class PulledLine:
    """One payment that M-PESA's own list holds."""

    receipt_number: str
    at: fields.PullTime
    amount: Money
    account_text: str
    payer: Payer
    transaction_type: str


@dataclass(frozen=True, slots=True)
class PulledPage:
    """One page of the list; ``rows`` counts also the lines that could not be read."""

    lines: Sequence[PulledLine]
    rows: int


def read_pull(reply: Reply) -> PulledPage | None:
    """A page of pulled lines, none in it for an empty window; None when the answer is no page.

    A line that cannot be read is left out and counted: one odd line must not hide the others.
    """
    body = reply.body
    if body is None or reply.status not in (200, 404, 500):
        return None
    code = lenient(body, "ResponseCode", "ResponseStatus")
    if code == "1001" or (code == "500" and "no transaction" in lenient(body, "ResponseMessage").lower()):
        return PulledPage((), 0)
    if reply.status != 200 or code != "1000":
        return None
    rows = list(_flattened(body.get("Response")))
    return PulledPage([line for line in map(_pulled_line, rows) if line is not None], len(rows))


def _flattened(value: object) -> Sequence[Mapping[str, Any]]:
    """``[[{…}]]``, ``[{…}]``, ``[[]]`` or nothing, as one list of objects."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return [row for part in value for row in _flattened(part)]
    return []


def _pulled_line(row: Mapping[str, Any]) -> PulledLine | None:
    line = Fields(row)
    try:
        return PulledLine(
            receipt_number=fields.needed_receipt(line.get("transactionId")),
            at=fields.read_pull_time(line.get("trxDate", "transactionDate")),
            amount=fields.read_amount(line.get("amount")),
            account_text=line.text("billreference"),
            payer=Payer(line.text("msisdn")),
            transaction_type=line.text("transactiontype"),
        )
    except Unreadable:
        return None
