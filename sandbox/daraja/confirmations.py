"""C2B messages: the validation question before a payment and the confirmation after it (reference/mpesa.md 4.2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from sandbox import amounts, clock, deliveries, faults, shortcodes, wallets
from sandbox.books import Books, Tx
from sandbox.daraja import identifiers
from sandbox.deliveries import Callback
from sandbox.settings import Settings
from sandbox.wallets import Transfer


def addresses(tx: Tx, shortcode: str) -> sqlite3.Row | None:
    """Where word of payments to a shortcode goes: its own addresses, else those of the head office of a till."""
    row: sqlite3.Row | None = tx.execute(
        "SELECT u.* FROM shortcode s JOIN c2b_url u ON u.shortcode IN (s.code, s.store) WHERE s.code = ?"
        " ORDER BY u.shortcode = s.code DESC LIMIT 1",
        (shortcode,),
    ).fetchone()
    return row


def question(tx: Tx, transfer: Transfer) -> str:
    """The body of a validation request; the balance is blank, since nothing has moved."""
    assert transfer.receipt is not None
    return deliveries.to_json(_body(tx, transfer, transfer.receipt, clock.now_ms(), balance=""))


def plan(books: Books, tx: Tx, receipt: str, settings: Settings, *, third_party_id: str = "") -> None:
    """Send word of a payment, if anybody has registered for it. An STK payment is told here as well, same receipt."""
    line = wallets.movement(tx, receipt)
    assert line is not None
    address = addresses(tx, line["shortcode"])
    if address is None:
        return
    transfer = Transfer(
        line["phone"], line["shortcode"], line["account"], line["amount_cents"], line["channel"], receipt
    )
    honest = _body(
        tx,
        transfer,
        receipt,
        line["at"],
        balance=amounts.plain(line["utility_after_cents"]),
        third_party_id=third_party_id,
    )
    fault = faults.take(tx, "daraja", "c2b_payment", line["phone"], faults.CALLBACKS)
    asked = line["channel"] == "c2b" and address["validation_url"]
    callback = Callback(
        kind="c2b_confirmation",
        subject=receipt,
        phone=line["phone"],
        url=address["confirmation_url"],
        body=deliveries.to_json(honest),
        forgeries=[deliveries.to_json(_forged(honest, line["at"]))],
        afterthoughts=[(address["validation_url"], question(tx, transfer))] if asked else [],
    )
    deliveries.plan(books, tx, callback, fault, due_at=clock.now_ms() + settings.milliseconds("confirmation_seconds"))


def _body(
    tx: Tx, transfer: Transfer, receipt: str, at: int, *, balance: str, third_party_id: str = ""
) -> dict[str, Any]:
    payer = wallets.wallet(tx, transfer.phone)
    organisation = shortcodes.find(tx, transfer.shortcode)
    assert organisation is not None
    return {
        "TransactionType": "Buy Goods" if organisation["kind"] == "till" else "Pay Bill",
        "TransID": receipt,
        "TransTime": clock.stamp(at),
        "TransAmount": amounts.plain(transfer.amount_cents),
        "BusinessShortCode": transfer.shortcode,
        "BillRefNumber": "" if organisation["kind"] == "till" else transfer.account,
        "InvoiceNumber": "",
        "OrgAccountBalance": balance,
        "ThirdPartyTransID": third_party_id,
        "MSISDN": _msisdn(tx, transfer, organisation["msisdn_form"]),
        "FirstName": payer["first_name"],
        "MiddleName": "",
        "LastName": "",
    }


def _msisdn(tx: Tx, transfer: Transfer, form: str) -> str:
    """Hashed for addresses registered by v1, masked for v2; some old shortcodes get it in clear or older mask."""
    if form == "clear":
        return transfer.phone
    if form == "older_mask":
        return identifiers.older_masked_msisdn(transfer.phone)
    address = addresses(tx, transfer.shortcode)
    hashed = address is not None and address["version"] == "v1"
    return identifiers.hashed_msisdn(transfer.phone) if hashed else identifiers.masked_msisdn(transfer.phone)


def _forged(honest: Mapping[str, Any], at: int) -> dict[str, Any]:
    """A payment to somebody else's paybill that never happened, told to this one's address."""
    return {
        **honest,
        "TransID": identifiers.receipt(at),
        "BusinessShortCode": "600999",
        "TransAmount": amounts.plain(amounts.to_cents(honest["TransAmount"]) * 10),
    }
