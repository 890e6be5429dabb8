"""The life of one STK prompt: accepted, shown on the phone, answered or left to expire, reported."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from sandbox import amounts, clock, deliveries, faults, shortcodes, texts, wallets
from sandbox.books import Books, Tx, insert
from sandbox.daraja import confirmations, identifiers
from sandbox.daraja.callbacks import stk_callback
from sandbox.daraja.errors import NO_RESPONSE, RESULTS
from sandbox.settings import Settings
from sandbox.wallets import Declined

LONGEST_PROMPT = 182  # characters, reference/mpesa.md 1.6
FORCED_ANSWER_MS = 2_000
"""How long an outcome that a fault forces leaves the prompt on the phone, so that it can be seen."""

FORCED_CODES: Mapping[str, str] = {
    "insufficient_funds": "1",
    "wrong_pin": "2001",
    "cancelled": "1032",
    "unreachable": "1037",
}
ACTIONS = ("pin", "wrong_pin", "cancel", "ignore")


class NoPrompt(Exception):
    """Nothing is waiting for an answer on this phone."""


def create(books: Books, tx: Tx, wish: Mapping[str, str | int], settings: Settings, *, busy: bool) -> sqlite3.Row:
    """Accept a push: the prompt's row, and what is going to happen to it, are saved before the answer leaves."""
    now, phone = clock.now_ms(), str(wish["phone"])
    shows_at = now + settings.milliseconds("prompt_seconds")
    forced = None if busy else faults.take(tx, "daraja", "stk_push", phone, faults.OUTCOMES)
    reaches = not (forced is not None and forced.kind == "unreachable")
    checkout = _fresh_checkout_id(tx, now, phone)
    insert(
        tx,
        "prompt",
        **wish,
        checkout_request_id=checkout,
        merchant_request_id=identifiers.request_id(),
        state="closed" if busy else "open",
        reaches_phone=int(reaches),
        forced=_forced_code(forced),
        created_at=now,
        shows_at=shows_at,
        expires_at=shows_at + settings.milliseconds("prompt_timeout_seconds"),
    )
    prompt = find(tx, checkout)
    assert prompt is not None
    wallets.wallet(tx, phone)
    shortcodes.find(tx, prompt["party_b"])
    if busy:
        _report(books, tx, prompt, "1001", RESULTS["1001"], None, settings)
    elif forced is not None and not reaches:
        away = forced.delay_or(settings.milliseconds("unreachable_seconds"))
        books.later(tx, "stk.finish", now + away, checkout=checkout)
    else:
        books.later(tx, "stk.show", shows_at, checkout=checkout, forced_ms=forced.delay_ms if forced else 0)
    books.later(tx, "stk.expire", prompt["expires_at"], checkout=checkout)
    return prompt


def find(tx: Tx, checkout_request_id: str) -> sqlite3.Row | None:
    """A prompt by its id."""
    row: sqlite3.Row | None = tx.execute(
        "SELECT * FROM prompt WHERE checkout_request_id = ?", (checkout_request_id,)
    ).fetchone()
    return row


def open_prompt(tx: Tx, phone: str) -> sqlite3.Row | None:
    """The prompt that holds the line, whether or not it is on the screen yet."""
    row: sqlite3.Row | None = tx.execute("SELECT * FROM prompt WHERE phone = ? AND state = 'open'", (phone,)).fetchone()
    return row


def on_screen(tx: Tx, phone: str) -> sqlite3.Row | None:
    """The prompt that the person holding the phone can see now."""
    prompt = open_prompt(tx, phone)
    if prompt is None or not prompt["reaches_phone"] or prompt["ignored"] or clock.now_ms() < prompt["shows_at"]:
        return None
    return prompt


def words(tx: Tx, prompt: sqlite3.Row) -> str:
    """What stands on the phone."""
    organisation = shortcodes.find(tx, prompt["party_b"]) or shortcodes.find(tx, prompt["shortcode"])
    assert organisation is not None
    return (
        f"Do you want to pay Ksh {amounts.grouped(prompt['amount_cents'])} to {organisation['name']} "
        f"account no. {prompt['account']}?"
    )


def show(books: Books, checkout: str, forced_ms: int) -> None:
    """The prompt reaches the phone; one that cannot, fails here. A phone that answers by itself starts to think."""
    with books.writing() as tx:
        prompt = find(tx, checkout)
        if prompt is None or prompt["state"] != "open":
            return
        settings = Settings(tx)
        problem = _unshowable(tx, prompt, settings)
        if problem is not None:
            _close(books, tx, prompt, problem, RESULTS[problem], None, settings)
        elif prompt["forced"] is not None:
            books.later(tx, "stk.finish", clock.now_ms() + (forced_ms or FORCED_ANSWER_MS), checkout=checkout)
        else:
            think(books, tx, prompt["phone"])


def think(books: Books, tx: Tx, phone: str) -> None:
    """A phone that answers by itself starts to do so, if there is a prompt on its screen."""
    prompt, holder = on_screen(tx, phone), wallets.wallet(tx, phone)
    if prompt is not None and holder["auto_answer"]:
        due_at = clock.now_ms() + holder["delay_ms"]
        books.later(tx, "stk.auto_answer", due_at, checkout=prompt["checkout_request_id"])


def auto_answer(books: Books, checkout: str) -> None:
    """The phone answers by itself, as it was told to."""
    with books.writing() as tx:
        prompt = find(tx, checkout)
        if prompt is None or prompt["state"] != "open":
            return
        holder = wallets.wallet(tx, prompt["phone"])
        if holder["auto_answer"]:
            _act(books, tx, prompt, holder["auto_answer"], holder["pin"])


def answer(books: Books, phone: str, action: str, pin: str | None = None) -> sqlite3.Row:
    """What the person holding the phone does. Without a PIN, ``pin`` types the right one. Refuses with NoPrompt."""
    with books.writing() as tx:
        prompt = on_screen(tx, phone)
        if prompt is None:
            raise NoPrompt
        _act(books, tx, prompt, action, pin if pin is not None else wallets.wallet(tx, phone)["pin"])
        after = find(tx, prompt["checkout_request_id"])
        assert after is not None
        return after


def finish(books: Books, checkout: str) -> None:
    """The outcome that a fault has decided comes true."""
    with books.writing() as tx:
        prompt = find(tx, checkout)
        if prompt is not None and prompt["state"] == "open":
            _end_forced(books, tx, prompt, Settings(tx))


def expire(books: Books, checkout: str) -> None:
    """Nobody answered in time."""
    with books.writing() as tx:
        prompt = find(tx, checkout)
        if prompt is not None and prompt["state"] == "open":
            text = NO_RESPONSE if prompt["reaches_phone"] else RESULTS["1037"]
            _close(books, tx, prompt, "1037", text, None, Settings(tx))


def _act(books: Books, tx: Tx, prompt: sqlite3.Row, action: str, pin: str) -> None:
    settings = Settings(tx)
    if action == "ignore":
        tx.execute("UPDATE prompt SET ignored = 1 WHERE checkout_request_id = ?", (prompt["checkout_request_id"],))
    elif prompt["forced"] is not None:
        _end_forced(books, tx, prompt, settings)
    elif action == "cancel":
        _close(books, tx, prompt, "1032", RESULTS["1032"], None, settings)
    else:
        _pay(books, tx, prompt, "" if action == "wrong_pin" else pin, settings)


def _end_forced(books: Books, tx: Tx, prompt: sqlite3.Row, settings: Settings) -> None:
    code = prompt["forced"]
    if code == "0":
        _pay(books, tx, prompt, wallets.wallet(tx, prompt["phone"])["pin"], settings)
    else:
        _close(books, tx, prompt, code, RESULTS[code], None, settings)


def _pay(books: Books, tx: Tx, prompt: sqlite3.Row, pin: str, settings: Settings) -> None:
    """The PIN was typed: M-PESA moves the money or says why not."""
    try:
        wallets.check_pin(tx, prompt["phone"], pin)
        if _repeats(tx, prompt, settings):
            raise Declined("17")
        receipt = wallets.move(
            tx,
            wallets.Transfer(prompt["phone"], prompt["party_b"], prompt["account"], prompt["amount_cents"], "stk"),
            settings,
        )
    except Declined as declined:
        _close(books, tx, prompt, declined.code, RESULTS[declined.code], None, settings)
        return
    _close(books, tx, prompt, "0", RESULTS["0"], receipt, settings)
    texts.payment_receipt(tx, receipt)
    confirmations.plan(books, tx, receipt, settings)


def _close(
    books: Books, tx: Tx, prompt: sqlite3.Row, code: str, text: str, receipt: str | None, settings: Settings
) -> None:
    tx.execute("UPDATE prompt SET state = 'closed' WHERE checkout_request_id = ?", (prompt["checkout_request_id"],))
    _report(books, tx, prompt, code, text, receipt, settings)


def _report(
    books: Books, tx: Tx, prompt: sqlite3.Row, code: str, text: str, receipt: str | None, settings: Settings
) -> None:
    """Write down the outcome and send word of it."""
    now = clock.now_ms()
    tx.execute(
        "UPDATE prompt SET result_code = ?, result_text = ?, receipt = ?, closed_at = ? WHERE checkout_request_id = ?",
        (code, text, receipt, now, prompt["checkout_request_id"]),
    )
    fault = faults.take(tx, "daraja", "stk_push", prompt["phone"], faults.CALLBACKS)
    callback = stk_callback(prompt, code, text, receipt, now, as_string=settings.text("result_codes_as") == "string")
    deliveries.plan(books, tx, callback, fault, due_at=now + settings.milliseconds("callback_seconds"))


def _unshowable(tx: Tx, prompt: sqlite3.Row, settings: Settings) -> str | None:
    """The result code of a prompt that M-PESA gives up before the phone rings."""
    receiver = shortcodes.find(tx, prompt["party_b"])
    if receiver is None:
        return "SFC_IC0003"
    if (prompt["transaction_type"] == "CustomerBuyGoodsOnline") != (receiver["kind"] == "till"):
        return "2028"
    if receiver["kind"] == "till" and receiver["store"] != prompt["shortcode"]:
        return "2002"
    if prompt["amount_cents"] > settings.cents("maximum_amount"):
        return "3"
    return "1025" if len(words(tx, prompt)) > LONGEST_PROMPT else None


def _repeats(tx: Tx, prompt: sqlite3.Row, settings: Settings) -> bool:
    """Whether the same customer was asked for the same amount just before (17, Rule limited)."""
    rule = settings.text("repeat_rule")
    since = clock.now_ms() - settings.milliseconds("repeat_seconds")
    if rule == "off":
        return False
    earlier = tx.execute(
        "SELECT 1 FROM prompt WHERE phone = ? AND party_b = ? AND amount_cents = ? AND state = 'closed'"
        " AND closed_at >= ? AND checkout_request_id <> ? AND (result_code = '0' OR ? = 'any')",
        (prompt["phone"], prompt["party_b"], prompt["amount_cents"], since, prompt["checkout_request_id"], rule),
    ).fetchone()
    return earlier is not None


def _forced_code(fault: faults.Fault | None) -> str | None:
    if fault is None:
        return None
    return str(fault.extra["code"]) if fault.kind == "result" else FORCED_CODES[fault.kind]


def _fresh_checkout_id(tx: Tx, now: int, phone: str) -> str:
    """The id holds a millisecond; two pushes to one number in the same one must still differ."""
    checkout = identifiers.checkout_request_id(now, phone)
    while find(tx, checkout) is not None:
        now += 1
        checkout = identifiers.checkout_request_id(now, phone)
    return checkout
