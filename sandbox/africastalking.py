"""Africa's Talking bulk SMS, under ``/africastalking/version1``, with delivery reports (reference/ussd-sms.md 2)."""

from __future__ import annotations

import hmac
import secrets
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from flask import Blueprint, Response, jsonify, request

from sandbox import clock, deliveries, faults, phones, texts, wallets
from sandbox.books import Books, Tx
from sandbox.core import books
from sandbox.deliveries import FORM, Callback
from sandbox.faults import Fault
from sandbox.mishaps import Words, around
from sandbox.settings import Settings

USERNAME = "sandbox"
API_KEY = "atsk_pamoja_sandbox_0000000000000000000000000000"
SHARED_SENDER = "AFRICASTKNG"
PLAIN = "text/plain; charset=utf-8"
NETWORK_CODE = "63902"
COST_TEN_THOUSANDTHS = 8_000  # KES 0.8000 for each part
SENT_MS, ARRIVES_MS = 500, 2_000  # from acceptance to the two delivery reports

bp = Blueprint("africastalking", __name__, url_prefix="/africastalking/version1")


@bp.post("/messaging")
def send() -> Response:
    """Send one text to one or more numbers."""
    refused = _unauthorised(request.form.get("username", ""))
    if refused is not None:
        return refused
    to = [number.strip() for number in request.form.get("to", "").split(",") if number.strip()]
    phone = to[0].lstrip("+") if len(to) == 1 else None

    def carry_out() -> Response:
        form = request.form
        with books().writing() as tx:
            answer = _send(tx, to, form.get("message", ""), form.get("from", ""), queued=form.get("enqueue") == "1")
        return _answer(answer, 201)

    return around("africastalking", "sms", phone, carry_out, Words(_refused, _internal_error))


@bp.get("/messaging")
def fetch() -> Response:
    """Texts that phones have sent to us: none, since the simulated phones only receive."""
    refused = _unauthorised(request.args.get("username", ""))
    return refused or _answer({"SMSMessageData": {"Messages": []}}, 200)


@bp.get("/user")
def user() -> Response:
    """What is left on the account."""
    refused = _unauthorised(request.args.get("username", ""))
    if refused is not None:
        return refused
    with books().reading() as tx:
        return _answer({"UserData": {"balance": f"KES {_credit_left(tx) / 10_000:.2f}"}}, 200)


def report(books: Books, message_id: str, status: str, reason: str | None = None) -> None:
    """Word from the network about one text; posted where the account says, if it says so."""
    with books.writing() as tx:
        row = tx.execute("SELECT * FROM sms WHERE id = ?", (message_id,)).fetchone()
        final = status in ("Success", "Failed")
        if final:
            tx.execute("UPDATE sms SET status = ? WHERE id = ?", (status, message_id))
        url = Settings(tx).text("sms_report_url")
        if row is None or not url:
            return
        fault = faults.take(tx, "africastalking", "delivery_report", row["phone"], faults.CALLBACKS) if final else None
        callback = Callback(
            kind="delivery_report",
            subject=message_id,
            phone=row["phone"],
            url=url,
            content_type=FORM,
            body=_report(message_id, row["phone"], status, reason),
            forgeries=[_report(f"ATXid_{secrets.token_hex(16)}", row["phone"], "Success", None)],
            contradictions=[_report(message_id, row["phone"], "Failed", "DeliveryFailure")],
        )
        deliveries.plan(books, tx, callback, fault, due_at=clock.now_ms())


def _unauthorised(username: str) -> Response | None:
    """A wrong key is answered in plain text, not JSON."""
    if username == USERNAME and hmac.compare_digest(request.headers.get("apiKey", "").encode(), API_KEY.encode()):
        return None
    return _wrong_key()


def _refused(fault: Fault) -> Response:
    if fault.kind == "token_expired":
        return _wrong_key()
    return Response("Too Many Requests", 429, content_type=PLAIN, headers={"Retry-After": "1"})


def _wrong_key() -> Response:
    return Response("The supplied authentication is invalid", 401, content_type=PLAIN)


def _internal_error() -> Response:
    return Response("Internal Server Error", 500, content_type=PLAIN)


def _send(tx: Tx, to: list[str], message: str, sender: str, *, queued: bool) -> dict[str, Any]:
    if len(sender) > 11:
        return _whole_refusal("InvalidSenderId")
    if not to or not message:
        return _whole_refusal("Nothing to send")  # the provider's own words are not known
    recipients = [_send_one(tx, number, message, sender or SHARED_SENDER, queued=queued) for number in to]
    sent = [recipient for recipient in recipients if recipient["messageId"] != "None"]
    total = sum(Decimal(recipient["cost"].removeprefix("KES ")) for recipient in sent)
    cost = f"KES {total:.4f}" if sent else "0"
    return {
        "SMSMessageData": {"Message": f"Sent to {len(sent)}/{len(to)} Total Cost: {cost}", "Recipients": recipients}
    }


def _whole_refusal(why: str) -> dict[str, Any]:
    return {"SMSMessageData": {"Message": why, "Recipients": []}}


def _send_one(tx: Tx, number: str, message: str, sender: str, *, queued: bool) -> dict[str, Any]:
    phone = number.removeprefix("+")
    if not number.startswith("+") or not phones.is_msisdn(phone):
        return _rejected(403, number, "InvalidPhoneNumber")
    if wallets.wallet(tx, phone)["sms_blocked"]:
        return _rejected(406, number, "UserInBlacklist")
    cost = COST_TEN_THOUSANDTHS * texts.parts(message)
    if faults.take(tx, "africastalking", "sms", phone, {"insufficient_funds"}) or _credit_left(tx) < cost:
        return _rejected(405, number, "InsufficientBalance")
    message_id = f"ATXid_{secrets.token_hex(16)}"
    off = faults.take(tx, "africastalking", "delivery_report", phone, {"unreachable"})
    texts.store(
        tx,
        provider="africastalking",
        phone=phone,
        sender=sender,
        text=message,
        cost_ten_thousandths=cost,
        message_id=message_id,
        arrives=off is None,
    )
    _plan_reports(tx, message_id, off)
    return {
        "statusCode": 102 if queued else 101,
        "number": number,
        "status": "Success",
        "cost": _cost(cost),
        "messageId": message_id,
    }


def _plan_reports(tx: Tx, message_id: str, off: Fault | None) -> None:
    now = clock.now_ms()
    books().later(tx, "sms.report", now + SENT_MS, message_id=message_id, status="Sent")
    if off is None:
        books().later(tx, "sms.report", now + ARRIVES_MS, message_id=message_id, status="Success")
    else:
        books().later(
            tx,
            "sms.report",
            now + off.delay_or(ARRIVES_MS),
            message_id=message_id,
            status="Failed",
            reason="DeliveryFailure",
        )


def _rejected(code: int, number: str, status: str) -> dict[str, Any]:
    return {"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": "None"}


def _credit_left(tx: Tx) -> int:
    spent: int = tx.execute("SELECT coalesce(sum(cost_ten_thousandths), 0) FROM sms").fetchone()[0]
    return Settings(tx).cents("sms_credit") * 100 - spent


def _cost(ten_thousandths: int) -> str:
    return f"KES {Decimal(ten_thousandths) / 10_000:.4f}"


def _report(message_id: str, phone: str, status: str, reason: str | None) -> str:
    fields = {"id": message_id, "status": status, "phoneNumber": f"+{phone}", "networkCode": NETWORK_CODE}
    if reason:
        fields["failureReason"] = reason
    return urlencode({**fields, "retryCount": "0"})


def _answer(body: dict[str, Any], status: int) -> Response:
    """JSON for those who accept it, XML for the rest."""
    if "application/json" in request.headers.get("Accept", ""):
        answer = jsonify(body)
    else:
        answer = Response(
            f"<AfricasTalkingResponse>{_xml(body)}</AfricasTalkingResponse>", content_type="application/xml"
        )
    answer.status_code = status
    return answer


def _xml(value: Any, name: str = "") -> str:
    if isinstance(value, dict):
        return "".join(f"<{key}>{_xml(inner, key)}</{key}>" for key, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<{name.removesuffix('s')}>{_xml(inner)}</{name.removesuffix('s')}>" for inner in value)
    return escape(str(value))
