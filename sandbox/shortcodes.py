"""The organisations of the simulated M-PESA: paybills, and one shop with a head office and a till."""

from __future__ import annotations

import re
import sqlite3

from sandbox.books import Tx, insert

SHORTCODE = "174379"  # the public sandbox paybill (reference/mpesa.md 3.1, 12)
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"  # its public passkey
STORE = "300584"
TILL = "5198044"
NAME = "PAMOJA SACCO"

TEST_PAYBILL = re.compile(r"600\d{3}")
"""C2B test shortcodes are 600xxx (12): each exists once it is named."""


def seed(tx: Tx) -> None:
    """The organisations that are there from the start."""
    rows = [
        (SHORTCODE, NAME, "paybill", None),
        (STORE, f"{NAME} SHOP", "store", None),
        (TILL, f"{NAME} TILL", "till", STORE),
    ]
    tx.executemany("INSERT OR IGNORE INTO shortcode (code, name, kind, store) VALUES (?, ?, ?, ?)", rows)


def find(tx: Tx, code: str) -> sqlite3.Row | None:
    """The organisation behind a shortcode, if there is one."""
    row: sqlite3.Row | None = tx.execute("SELECT * FROM shortcode WHERE code = ?", (code,)).fetchone()
    if row is None and TEST_PAYBILL.fullmatch(code):
        insert(tx, "shortcode", code=code, name=f"TEST {code}", kind="paybill")
        return find(tx, code)
    return row


def known(tx: Tx) -> list[sqlite3.Row]:
    """All organisations, for the page."""
    return tx.execute("SELECT * FROM shortcode ORDER BY code").fetchall()
