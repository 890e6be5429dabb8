"""A customer pays a paybill from the phone's menu: validation, money, confirmation (reference/mpesa.md 4.3)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox import clock, deliveries, faults, shortcodes, texts, wallets
from sandbox.books import Books, Tx
from sandbox.daraja import confirmations
from sandbox.daraja.errors import RESULTS
from sandbox.daraja.prompts import FORCED_CODES
from sandbox.settings import Settings
from sandbox.wallets import Declined, Transfer

REJECTIONS: Mapping[str, str] = {
    "C2B00011": "Invalid MSISDN",
    "C2B00012": "Invalid Account Number",
    "C2B00013": "Invalid Amount",
    "C2B00014": "Invalid KYC Details",
    "C2B00015": "Invalid Shortcode",
    "C2B00016": "Other Error",
}
UNANSWERED = "Validation was not answered"


class NotPaid(Exception):
    """No money moved; ``code`` and the text say why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True)
class _Question:
    """What is asked before the money moves, and what silence means."""

    url: str
    body: str
    seconds: float
    if_silent: str  # Completed | Cancelled


def pay(books: Books, transfer: Transfer) -> str:
    """Pay, and give the receipt. Refuses with NotPaid. Run twice with one receipt, it pays once."""
    with books.writing() as tx:
        if transfer.receipt is None:
            transfer = replace(transfer, receipt=wallets.fresh_receipt(tx, clock.now_ms()))
        if shortcodes.find(tx, transfer.shortcode) is None:
            raise NotPaid("C2B00015", "There is no such paybill or till")
        settings = Settings(tx)
        question = _question(tx, transfer, settings)
        forced = faults.take(tx, "daraja", "c2b_payment", transfer.phone, faults.OUTCOMES)

    third_party_id = _validate(question) if question else ""
    if forced is not None:
        code = str(forced.extra["code"]) if forced.kind == "result" else FORCED_CODES[forced.kind]
        raise NotPaid(code, RESULTS[code])

    with books.writing() as tx:
        return _execute(books, tx, transfer, settings, third_party_id)


def pay_task(books: Books, **wish: str | int) -> None:
    """The same, asked for by a simulate request that has been answered already: a refusal has nobody to go to."""
    try:
        pay(books, Transfer(channel="c2b", **wish))  # type: ignore[arg-type]  # the payload of our own task
    except NotPaid as refused:
        logging.getLogger("sandbox").info("A simulated payment was refused: %s %s", refused.code, refused)


def _question(tx: Tx, transfer: Transfer, settings: Settings) -> _Question | None:
    address = confirmations.addresses(tx, transfer.shortcode)
    organisation = shortcodes.find(tx, transfer.shortcode)
    if address is None or organisation is None or not organisation["validation"]:
        return None
    return _Question(
        address["validation_url"],
        confirmations.question(tx, transfer),
        settings.milliseconds("validation_seconds") / 1000,
        address["response_type"],
    )


def _validate(question: _Question) -> str:
    """Ask the organisation; gives the id it wants to see again. Refuses what it refuses, or when silence means no."""
    answer = _verdict(deliveries.ask(question.url, question.body, question.seconds))
    if answer is None:
        if question.if_silent == "Cancelled":
            raise NotPaid("C2B00016", UNANSWERED)
        return ""
    code = str(answer.get("ResultCode"))
    if code != "0":
        raise NotPaid(code, REJECTIONS.get(code, str(answer.get("ResultDesc") or "Rejected")))
    return str(answer.get("ThirdPartyTransID") or "")


def _verdict(text: str | None) -> dict[str, object] | None:
    """An answer that is no JSON with a ResultCode counts as none."""
    try:
        answer = json.loads(text) if text else None
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "ResultCode" in answer else None


def _execute(books: Books, tx: Tx, transfer: Transfer, settings: Settings, third_party_id: str) -> str:
    assert transfer.receipt is not None
    if wallets.movement(tx, transfer.receipt) is not None:
        return transfer.receipt
    try:
        receipt = wallets.move(tx, transfer, settings)
    except Declined as declined:
        raise NotPaid(declined.code, RESULTS[declined.code]) from None
    texts.payment_receipt(tx, receipt)
    confirmations.plan(books, tx, receipt, settings, third_party_id=third_party_id)
    return receipt
