"""Pull transactions: what was paid to a shortcode in the last 48 hours (reference/mpesa.md 10.1)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from flask import Blueprint, Response

from sandbox import amounts, clock, shortcodes, wallets
from sandbox.books import Tx
from sandbox.core import books
from sandbox.daraja import identifiers
from sandbox.daraja.errors import DarajaError
from sandbox.daraja.fields import Fields
from sandbox.daraja.gateway import Body, Operation, serve
from sandbox.settings import Settings

TOKEN_CODE = ("401.001", "Invalid token", 401)
REGISTER = Operation("pull_register", "pull", "ShortCode", token_code=TOKEN_CODE)
QUERY = Operation("pull_query", "pull", "ShortCode", token_code=TOKEN_CODE)
WINDOW_MS = 48 * 3_600_000

bp = Blueprint("daraja_pull", __name__)


@bp.post("/pulltransactions/v1/register")
def register() -> Response:
    """Once per shortcode; a second time is answered 1001, which is no error."""
    return serve(REGISTER, _register)


@bp.post("/pulltransactions/v1/query")
def query() -> Response:
    """A page of payments, in a list within a list."""
    return serve(QUERY, _query)


def _register(body: Body) -> Body:
    with books().writing() as tx:
        settings = Settings(tx)
        fields = Fields(body, settings)
        shortcode = _shortcode(tx, fields)
        fields.one_of("RequestType", "Pull")
        nominated, callback = fields.phone("NominatedNumber"), fields.url("CallBackURL")
        new = tx.execute(
            "INSERT OR IGNORE INTO pull_registration VALUES (?, ?, ?, ?)",
            (shortcode, nominated, callback, clock.now_ms()),
        ).rowcount
    status, words = ("1000", "Shortcode Registered Successfully") if new else ("1001", "Shortcode already Registered")
    gap = " " if settings.text("pull_keys") == "spaced" else ""
    return {
        "ResponseRefID": identifiers.reference_id(),
        f"Response{gap}Status": status,
        "ShortCode": shortcode,
        f"Response{gap}Description": words,
    }


def _query(body: Body) -> Body:
    with books().writing() as tx:
        settings = Settings(tx)
        fields = Fields(body, settings)
        shortcode = _shortcode(tx, fields)
        start, end = _instant(fields, "StartDate"), _instant(fields, "EndDate")
        offset = int(fields.pattern("OffSetValue", r"\d{1,9}"))
        if tx.execute("SELECT 1 FROM pull_registration WHERE shortcode = ?", (shortcode,)).fetchone() is None:
            raise DarajaError("400.001", "Invalid shortcode", 400)
        page = [_row(tx, line, settings) for line in _lines(tx, shortcode, start, end, offset, settings)]
    gap = " " if settings.text("pull_keys") == "spaced" else ""
    return {
        "ResponseRefID": identifiers.reference_id(),
        f"Response{gap}Code": "1000" if page else "1001",
        f"Response{gap}Message": "Success" if page else "No transactions found",
        "Response": [page],
    }


def _lines(tx: Tx, shortcode: str, start: int, end: int, offset: int, settings: Settings) -> list[sqlite3.Row]:
    """Payments in the window, oldest first, of the shortcode and of the tills under it."""
    oldest = max(start, clock.now_ms() - WINDOW_MS)
    return tx.execute(
        "SELECT m.* FROM movement m JOIN shortcode s ON s.code = m.shortcode"
        " WHERE (s.code = ? OR s.store = ?) AND m.direction = 'in' AND m.at >= ? AND m.at < ? ORDER BY m.at, m.receipt"
        " LIMIT ? OFFSET ?",
        (shortcode, shortcode, oldest, end + 1000, settings.whole("pull_page_rows"), offset),
    ).fetchall()


def _row(tx: Tx, line: sqlite3.Row, settings: Settings) -> Body:
    at = clock.eat(line["at"])
    if settings.text("pull_time") == "utc":
        at = at.astimezone(UTC)
    payer = wallets.wallet(tx, line["phone"])
    organisation = shortcodes.find(tx, line["shortcode"])
    assert organisation is not None
    return {
        "transactionId": line["receipt"],
        "trxDate": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "msisdn": int(line["phone"][3:]),
        "sender": payer["first_name"],
        "transactiontype": "c2b-pay-bill-debit" if organisation["kind"] != "till" else "c2b-buy-goods-debit",
        "billreference": line["account"],
        "amount": amounts.plain(line["amount_cents"]),
        "organizationname": organisation["name"],
    }


def _shortcode(tx: Tx, fields: Fields) -> str:
    """This family has its own code for a shortcode it does not know."""
    try:
        shortcode = fields.shortcode("ShortCode")
    except DarajaError:
        raise DarajaError("400.001", "Invalid shortcode", 400) from None
    if shortcodes.find(tx, shortcode) is None:
        raise DarajaError("400.001", "Invalid shortcode", 400)
    return shortcode


def _instant(fields: Fields, name: str) -> int:
    text = fields.pattern(name, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.EAT)
    except ValueError:
        raise DarajaError("400.002.02", f"Bad Request - Invalid {name}", 400) from None
    return int(at.timestamp()) * 1000
