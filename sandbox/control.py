"""``/control``: what tests and the phone page may do to the providers that no client of theirs could."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox import (
    africastalking,
    amounts,
    clock,
    control_fields,
    faults,
    phones,
    settings,
    shortcodes,
    statements,
    texts,
    wallets,
)
from sandbox.books import Tx
from sandbox.core import books
from sandbox.daraja import oauth, payments, prompts
from sandbox.wallets import Transfer

PROMPT_WAIT_SECONDS = 3
"""An answer may be given a moment before the prompt is on the screen; it waits that long."""

bp = Blueprint("control", __name__, url_prefix="/control")


@bp.errorhandler(ValueError)
def refuse(error: ValueError) -> Response:
    """What was asked makes no sense; the text says why."""
    return _answer({"error": str(error)}, 400)


@bp.post("/faults")
def add_fault() -> Response:
    with books().writing() as tx:
        return _answer({"id": faults.add(tx, _body())}, 201)


@bp.get("/faults")
def list_faults() -> Response:
    with books().reading() as tx:
        return jsonify(faults=faults.waiting(tx))


@bp.delete("/faults")
def clear_faults() -> Response:
    with books().writing() as tx:
        faults.clear(tx)
    return Response(status=204)


@bp.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> Response:
    with books().writing() as tx:
        if not faults.remove(tx, fault_id):
            abort(404, "There is no such fault waiting.")
    return Response(status=204)


@bp.get("/phones/<number>")
def show_phone(number: str) -> Response:
    with books().writing() as tx:
        return jsonify(_phone(tx, phones.msisdn(number)))


@bp.put("/phones/<number>")
def change_phone(number: str) -> Response:
    """Set what is named; the rest stays."""
    phone, body = phones.msisdn(number), _body()
    with books().writing() as tx:
        wallets.change(tx, phone, control_fields.wallet_changes(body))
        prompts.think(books(), tx, phone)
        return jsonify(_phone(tx, phone))


@bp.post("/phones/<number>/answer")
def answer_prompt(number: str) -> Response:
    """What the person holding the phone does with the prompt on its screen."""
    phone, body = phones.msisdn(number), _body()
    action = body.get("action")
    if action not in prompts.ACTIONS:
        raise ValueError("action must be one of " + ", ".join(prompts.ACTIONS))
    pin = str(body["pin"]) if body.get("pin") is not None else None
    give_up = time.monotonic() + PROMPT_WAIT_SECONDS
    while True:
        try:
            prompt = prompts.answer(books(), phone, str(action), pin)
        except prompts.NoPrompt:
            if time.monotonic() > give_up:
                abort(404, "There is no prompt on this phone.")
            time.sleep(0.05)
        else:
            return jsonify(
                checkout_request_id=prompt["checkout_request_id"],
                state=prompt["state"],
                result_code=prompt["result_code"],
                result=prompt["result_text"],
                receipt=prompt["receipt"],
            )


@bp.post("/paybill")
def pay_paybill() -> Response:
    """Pay from the phone's M-PESA menu; answers once the money has moved, or has not."""
    body = _body()
    transfer = Transfer(
        phone=phones.msisdn(body.get("phone")),
        shortcode=control_fields.text(body, "shortcode", r"\d{5,9}"),
        account=control_fields.text(body, "account", r".{0,20}"),
        amount_cents=control_fields.whole_shillings(body.get("amount")),
        channel="c2b",
    )
    try:
        receipt = payments.pay(books(), transfer)
    except payments.NotPaid as refused:
        return _answer({"status": "refused", "code": refused.code, "error": str(refused)}, 409)
    return _answer({"status": "completed", "receipt": receipt}, 201)


@bp.get("/sms")
def list_sms() -> Response:
    """Texts that reached phones, oldest first; without ``provider`` those of the SMS provider, not M-PESA's own."""
    phone = _asked_phone()
    provider = request.args.get("provider", "africastalking")
    with books().reading() as tx:
        rows = texts.inbox(tx, phone=phone, provider=None if provider == "all" else provider)
    return jsonify(
        messages=[
            {
                "id": row["id"],
                "at": clock.iso(row["at"]),
                "phone": row["phone"],
                "from": row["sender"],
                "text": row["text"],
                "parts": row["parts"],
                "status": row["status"],
                "provider": row["provider"],
            }
            for row in reversed(rows)
        ]
    )


@bp.get("/statement")
def statement() -> Response:
    """The provider's side for reconciliation: what really moved."""
    provider = request.args.get("provider", "daraja")
    day = request.args.get("date")
    with books().reading() as tx:
        return jsonify(
            lines=statements.lines(
                tx, provider, date.fromisoformat(day) if day else None, request.args.get("shortcode")
            )
        )


@bp.get("/credentials")
def credentials() -> Response:
    """What a client needs to talk to each provider. Public on purpose."""
    base = request.host_url.rstrip("/")
    return jsonify(
        daraja={
            "api_url": f"{base}/daraja",
            "consumer_key": oauth.CONSUMER_KEY,
            "consumer_secret": oauth.CONSUMER_SECRET,
            "shortcode": shortcodes.SHORTCODE,
            "passkey": shortcodes.PASSKEY,
            "initiator": "testapi",
            "store": shortcodes.STORE,
            "till": shortcodes.TILL,
        },
        africastalking={
            "api_url": f"{base}/africastalking/version1",
            "username": africastalking.USERNAME,
            "api_key": africastalking.API_KEY,
        },
    )


@bp.get("/settings")
def show_settings() -> Response:
    with books().reading() as tx:
        return jsonify(settings.Settings(tx).as_json())


@bp.put("/settings")
def change_settings() -> Response:
    with books().writing() as tx:
        settings.change(tx, _body())
        return jsonify(settings.Settings(tx).as_json())


@bp.put("/shortcodes/<code>")
def change_shortcode(code: str) -> Response:
    """``name``, ``maximum_balance`` (null: none), ``validation``, ``msisdn_form`` (by_version, clear, older_mask)."""
    body = _body()
    with books().writing() as tx:
        if shortcodes.find(tx, code) is None:
            abort(404, "There is no such shortcode.")
        for column, value in control_fields.shortcode_changes(body).items():
            tx.execute(f"UPDATE shortcode SET {column} = ? WHERE code = ?", (value, code))  # noqa: S608 - our own names
        row = shortcodes.find(tx, code)
        assert row is not None
        return jsonify(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            balance=amounts.plain(row["utility_cents"]),
            maximum_balance=None if row["maximum_cents"] is None else amounts.plain(row["maximum_cents"]),
            validation=bool(row["validation"]),
            msisdn_form=row["msisdn_form"],
        )


@bp.get("/callbacks")
def list_callbacks() -> Response:
    """Every callback that was planned, and what came of it: posted once, lost, answered with what."""
    phone, subject = _asked_phone(), request.args.get("subject")
    with books().reading() as tx:
        rows = tx.execute(
            "SELECT * FROM delivery WHERE (? IS NULL OR phone = ?) AND (? IS NULL OR subject = ?)"
            " ORDER BY id DESC LIMIT 500",
            (phone, phone, subject, subject),
        ).fetchall()
    return jsonify(
        callbacks=[
            {
                "kind": row["kind"],
                "subject": row["subject"],
                "phone": row["phone"],
                "url": row["url"],
                "body": row["body"],
                "note": row["note"],
                "state": row["state"],
                "http_status": row["http_status"],
                "answer": row["answer"],
                "due_at": clock.iso(row["due_at"]),
                "sent_at": clock.iso(row["sent_at"]) if row["sent_at"] else None,
            }
            for row in reversed(rows)
        ]
    )


def _phone(tx: Tx, phone: str) -> dict[str, Any]:
    holder, prompt = wallets.wallet(tx, phone), prompts.on_screen(tx, phone)
    return {
        "phone": phone,
        "name": " ".join(holder[part] for part in ("first_name", "middle_name", "last_name")),
        "balance": amounts.plain(holder["balance_cents"]),
        "auto_answer": holder["auto_answer"],
        "delay_seconds": holder["delay_ms"] / 1000,
        "pin_locked": holder["pin_failures"] >= wallets.WRONG_PINS_ALLOWED,
        "sms_blocked": bool(holder["sms_blocked"]),
        "prompt": prompt
        and {
            "checkout_request_id": prompt["checkout_request_id"],
            "text": prompts.words(tx, prompt),
            "amount": amounts.plain(prompt["amount_cents"]),
            "account": prompt["account"],
            "expires_at": clock.iso(prompt["expires_at"]),
        },
    }


def _asked_phone() -> str | None:
    return phones.msisdn(request.args["phone"]) if request.args.get("phone") else None


def _body() -> dict[str, Any]:
    # A page of another site can send a form to this machine, but not JSON: the type is what keeps it out.
    if request.mimetype != "application/json":
        raise ValueError("the body must be JSON, with Content-Type: application/json")
    body = json.loads(request.get_data() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _answer(body: Mapping[str, Any], status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
