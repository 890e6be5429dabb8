"""The phone: one page on which a prompt appears, texts arrive and money can be seen to move. Works by reload alone."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from sandbox import amounts, clock, control_fields, faults, phones, shortcodes, texts, wallets
from sandbox.books import Tx
from sandbox.core import books
from sandbox.daraja import payments, prompts
from sandbox.wallets import Transfer

TEST_NUMBER = "254708374149"  # the public test subscriber (reference/mpesa.md 12)
NUMBERS_SHOWN = 8
TEXTS_SHOWN = 30
CALLBACKS_SHOWN = 10

NEXT_REQUEST = {
    "timeout_before": "is never answered, nothing happens",
    "timeout_after": "is never answered, but goes on",
    "error_500_before": "fails with 500, nothing happens",
    "error_500_after": "fails with 500, but goes on",
    "spike_arrest": "is one too many this second",
    "token_expired": "finds its token expired",
}
NEXT_PHONE = {
    "unreachable": "is off",
    "insufficient_funds": "has too little money",
    "wrong_pin": "gets a wrong PIN",
    "cancelled": "is told to cancel",
}
NEXT_CALLBACK = {
    "callback_lost": "is lost",
    "callback_late": "comes late",
    "callback_duplicate": "comes ten times at once",
    "callback_forged": "comes after forged ones",
    "callback_out_of_order": "comes after its opposite",
}

bp = Blueprint("phone", __name__)
bp.add_app_template_filter(amounts.grouped, "money")
bp.add_app_template_filter(phones.local, "local")


@bp.app_template_filter("moment")
def moment(at_ms: int) -> str:
    """``10:41``, with the day if that is not today."""
    at, today = clock.eat(at_ms), clock.eat(clock.now_ms()).date()
    return f"{at:%H:%M}" if at.date() == today else f"{at.day} {at:%b %H:%M}"


@bp.app_template_filter("second")
def second(at_ms: int) -> str:
    """``10:41:07``."""
    return f"{clock.eat(at_ms):%H:%M:%S}"


@bp.before_request
def same_site_only() -> None:
    """A page of another site must not press this phone's buttons."""
    if request.method != "POST":
        return
    origin = request.headers.get("Origin")
    crossed = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if crossed or (origin is not None and urlsplit(origin).netloc != request.host):
        abort(403)


@bp.get("/")
def show() -> Response:
    """The phone of the number that was chosen, else of the one where something happened last."""
    try:
        return _page(_chosen())
    except ValueError as refused:
        return _page(TEST_NUMBER, errors={"choose": str(refused)}, status=422)


@bp.get("/live/<phone>")
def live(phone: str) -> Response:
    """The parts of the page that change by themselves; 304 while they have not."""
    _open_wallet(_msisdn(phone))
    with books().reading() as tx:
        answer = make_response(render_template("live.html", **_facts(tx, phone)))
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:16])
    answer.make_conditional(request)
    return answer


@bp.post("/phone/<phone>/answer")
def answer(phone: str) -> Response:
    """Send the PIN, cancel, or look away."""
    phone, action = _msisdn(phone), request.form.get("action", "")
    if action not in prompts.ACTIONS:
        abort(400)
    try:
        prompts.answer(books(), phone, action, request.form.get("pin", ""))
    except prompts.NoPrompt:
        return _page(phone, errors={"answer": "The prompt is gone: it was answered or has timed out."}, status=409)
    return _back(phone)


@bp.post("/phone/<phone>/pay")
def pay(phone: str) -> Response:
    """Pay a paybill from the M-PESA menu."""
    phone = _msisdn(phone)
    try:
        transfer = Transfer(
            phone=phone,
            shortcode=control_fields.text(request.form, "shortcode", r"\d{5,9}"),
            account=control_fields.text(request.form, "account", r".{1,20}"),
            amount_cents=control_fields.whole_shillings(request.form.get("amount")),
            channel="c2b",
        )
        payments.pay(books(), transfer)
    except (ValueError, payments.NotPaid) as refused:
        return _page(phone, errors={"pay": f"Not paid: {refused}."}, status=422)
    return _back(phone)


@bp.post("/phone/<phone>/next")
def next_time(phone: str) -> Response:
    """Set what goes wrong the next time."""
    phone = _msisdn(phone)
    delay = request.form.get("delay_seconds", "").strip()
    try:
        with books().writing() as tx:
            for name in ("request", "phone", "callback"):
                kind = request.form.get(name)
                if kind:
                    faults.add(
                        tx, {"provider": "daraja", "fault": kind, "phone": phone, "delay_seconds": int(delay or 0)}
                    )
    except ValueError as refused:
        return _page(phone, errors={"next": f"Not set: {refused}."}, status=422)
    return _back(phone)


@bp.post("/phone/<phone>/faults/<int:fault_id>/remove")
def remove_fault(phone: str, fault_id: int) -> Response:
    with books().writing() as tx:
        faults.remove(tx, fault_id)
    return _back(_msisdn(phone))


@bp.post("/phone/<phone>/wallet")
def change_wallet(phone: str) -> Response:
    """Put money in, have the phone answer by itself, forget wrong PINs. What is left empty stays."""
    phone, form = _msisdn(phone), request.form
    try:
        wish: dict[str, Any] = {
            "auto_answer": form.get("auto_answer") or None,
            "delay_seconds": int(form.get("delay_seconds") or 0),
        }
        if form.get("balance"):
            wish["balance"] = form["balance"]
        if form.get("unlock"):
            wish["pin_locked"] = False
        changes = control_fields.wallet_changes(wish)
    except ValueError as refused:
        return _page(phone, errors={"wallet": f"Not changed: {refused}."}, status=422)
    with books().writing() as tx:
        wallets.change(tx, phone, changes)
        prompts.think(books(), tx, phone)
    return _back(phone)


def _page(phone: str, *, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    _open_wallet(phone)
    with books().reading() as tx:
        page = render_template(
            "phone.html",
            **_facts(tx, phone),
            errors=errors or {},
            typed=request.form,
            next_request=NEXT_REQUEST,
            next_phone=NEXT_PHONE,
            next_callback=NEXT_CALLBACK,
            test_number=TEST_NUMBER,
        )
    return make_response(page, status)


def _facts(tx: Tx, phone: str) -> dict[str, Any]:
    prompt, waiting = prompts.on_screen(tx, phone), prompts.open_prompt(tx, phone)
    return {
        "phone": phone,
        "holder": wallets.wallet(tx, phone),
        "pins_allowed": wallets.WRONG_PINS_ALLOWED,
        "prompt": prompt,
        "words": prompts.words(tx, prompt) if prompt else None,
        "hidden_prompt": waiting if waiting and not prompt and clock.now_ms() >= waiting["shows_at"] else None,
        "now": clock.now_ms(),
        "texts": texts.inbox(tx, phone=phone, provider=None, limit=TEXTS_SHOWN),
        "numbers": _numbers(tx, phone),
        "paybills": [row for row in shortcodes.known(tx) if row["kind"] != "store"],
        "faults": faults.waiting(tx, phone),
        "callbacks": tx.execute(
            "SELECT * FROM delivery WHERE phone = ? ORDER BY id DESC LIMIT ?", (phone, CALLBACKS_SHOWN)
        ).fetchall(),
    }


def _open_wallet(phone: str) -> None:
    """A number that is looked at for the first time gets its wallet; all later looks only read."""
    with books().reading() as tx:
        known = tx.execute("SELECT 1 FROM wallet WHERE phone = ?", (phone,)).fetchone()
    if known is None:
        with books().writing() as tx:
            wallets.wallet(tx, phone)


def _numbers(tx: Tx, phone: str) -> list[sqlite3.Row]:
    """Other numbers to choose from: those that ring first, then those that were used or asked last."""
    return tx.execute(
        "WITH used (phone, at) AS ("
        " SELECT * FROM (SELECT phone, created_at FROM prompt ORDER BY rowid DESC LIMIT 100)"
        " UNION ALL SELECT * FROM (SELECT phone, at FROM sms ORDER BY number DESC LIMIT 100)"
        " UNION ALL SELECT * FROM (SELECT phone, first_seen_at FROM wallet ORDER BY rowid DESC LIMIT 100))"
        " SELECT used.phone, wallet.first_name, wallet.last_name, prompt.phone IS NOT NULL AS rings"
        " FROM used JOIN wallet ON wallet.phone = used.phone"
        " LEFT JOIN prompt ON prompt.phone = used.phone AND prompt.state = 'open' AND prompt.reaches_phone"
        " AND NOT prompt.ignored AND prompt.shows_at <= ?"
        " WHERE used.phone <> ? GROUP BY used.phone ORDER BY rings DESC, max(used.at) DESC, used.phone LIMIT ?",
        (clock.now_ms(), phone, NUMBERS_SHOWN),
    ).fetchall()


def _chosen() -> str:
    if request.args.get("phone"):
        return phones.msisdn(request.args["phone"])
    with books().reading() as tx:
        latest = _numbers(tx, phone="")
    return latest[0]["phone"] if latest else TEST_NUMBER


def _msisdn(phone: str) -> str:
    if not phones.is_msisdn(phone):
        abort(404)
    return phone


def _back(phone: str) -> Response:
    return make_response(redirect(url_for("phone.show", phone=phone), code=303))
