"""The STK callback, honest and otherwise."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

from sandbox import amounts, clock
from sandbox.daraja import identifiers
from sandbox.daraja.errors import RESULTS
from sandbox.deliveries import Callback, to_json


def stk_callback(
    prompt: sqlite3.Row, code: str, text: str, receipt: str | None, at: int, *, as_string: bool
) -> Callback:
    """What M-PESA posts when an attempt is over (reference/mpesa.md 3.3)."""
    ids = (prompt["merchant_request_id"], prompt["checkout_request_id"])
    items = _items(prompt, receipt, at) if receipt else None
    return Callback(
        kind="stk_callback",
        subject=prompt["checkout_request_id"],
        phone=prompt["phone"],
        url=prompt["callback_url"],
        body=_body(ids, code, text, items, as_string=as_string),
        forgeries=_forgeries(prompt, at),
        contradictions=[_body(ids, "1037", RESULTS["1037"], None, as_string=as_string)],
    )


def _body(
    ids: tuple[str, str], code: str, text: str, items: list[dict[str, Any]] | None, *, as_string: bool = False
) -> str:
    callback: dict[str, Any] = {
        "MerchantRequestID": ids[0],
        "CheckoutRequestID": ids[1],
        "ResultCode": int(code) if code.isdigit() and not as_string else code,
        "ResultDesc": text,
    }
    if items is not None:
        callback["CallbackMetadata"] = {"Item": items}
    return to_json({"Body": {"stkCallback": callback}})


def _items(prompt: sqlite3.Row, receipt: str, at: int, *, times: int = 1) -> list[dict[str, Any]]:
    return [
        {"Name": "Amount", "Value": Decimal(amounts.plain(prompt["amount_cents"] * times))},
        {"Name": "MpesaReceiptNumber", "Value": receipt},
        {"Name": "Balance"},
        {"Name": "TransactionDate", "Value": int(clock.stamp(at))},
        {"Name": "PhoneNumber", "Value": int(prompt["phone"])},
    ]


def _forgeries(prompt: sqlite3.Row, at: int) -> list[str]:
    """Lies that somebody who learned the address could post: a bigger payment, and one nobody asked for."""
    real = (prompt["merchant_request_id"], prompt["checkout_request_id"])
    unknown = (identifiers.request_id(), identifiers.checkout_request_id(at - 3_600_000, "254700000000"))
    return [
        _body(real, "0", RESULTS["0"], _items(prompt, identifiers.receipt(at), at, times=10)),
        _body(unknown, "0", RESULTS["0"], _items(prompt, identifiers.receipt(at), at)),
    ]
