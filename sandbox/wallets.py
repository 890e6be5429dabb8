"""The heart of the simulated M-PESA: wallets, limits, and money moving from a wallet to an organisation."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import clock
from sandbox.books import Tx, insert
from sandbox.daraja import identifiers
from sandbox.settings import Settings

FIRST_BALANCE_CENTS = 50_000_00
FIRST_PIN = "1234"
WRONG_PINS_ALLOWED = 3

# fmt: off
FIRST_NAMES = ("GRACE", "PETER", "FAITH", "JAMES", "MERCY", "DANIEL", "RUTH", "SAMUEL", "JANE", "JOSEPH", "AISHA",
               "BRIAN", "LUCY", "KEVIN", "ESTHER", "HASSAN")
MIDDLE_NAMES = ("WANJIKU", "OTIENO", "AKINYI", "CHEBET", "NJERI", "BARASA", "MUTUA", "ADHIAMBO", "NEKESA", "KIPROP")
LAST_NAMES = ("KARIUKI", "ODHIAMBO", "KOECH", "WAFULA", "NJOROGE", "MUTISO", "ABDI", "MAINA", "WEKESA", "OMONDI",
              "CHEPKEMOI", "MUTHONI", "JUMA")
# fmt: on


class Declined(Exception):
    """M-PESA refuses to move the money; ``code`` is the result code of reference/mpesa.md 3.4."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Transfer:
    """What a customer wants to pay to an organisation."""

    phone: str
    shortcode: str
    account: str
    amount_cents: int
    channel: str  # stk | c2b
    receipt: str | None = None  # given out beforehand when validation has already named it


def wallet(tx: Tx, phone: str) -> sqlite3.Row:
    """The wallet of a number; a number that is used for the first time gets one, with money in it."""
    row = tx.execute("SELECT * FROM wallet WHERE phone = ?", (phone,)).fetchone()
    if row is None:
        first, middle, last = _names(phone)
        insert(
            tx,
            "wallet",
            phone=phone,
            first_name=first,
            middle_name=middle,
            last_name=last,
            balance_cents=FIRST_BALANCE_CENTS,
            pin=FIRST_PIN,
            first_seen_at=clock.now_ms(),
        )
        row = tx.execute("SELECT * FROM wallet WHERE phone = ?", (phone,)).fetchone()
    assert isinstance(row, sqlite3.Row)
    return row


def change(tx: Tx, phone: str, columns: Mapping[str, Any]) -> sqlite3.Row:
    """Set what is named of a wallet; the names are our own."""
    wallet(tx, phone)
    for column, value in columns.items():
        tx.execute(f"UPDATE wallet SET {column} = ? WHERE phone = ?", (value, phone))  # noqa: S608
    return wallet(tx, phone)


def check_pin(tx: Tx, phone: str, pin: str) -> None:
    """Refuses with 2001 for a wrong PIN and 8006 once it is locked; a right one forgets earlier mistakes."""
    holder = wallet(tx, phone)
    if holder["pin_failures"] >= WRONG_PINS_ALLOWED:
        raise Declined("8006")
    if pin != holder["pin"]:
        tx.execute("UPDATE wallet SET pin_failures = pin_failures + 1 WHERE phone = ?", (phone,))
        raise Declined("2001")
    tx.execute("UPDATE wallet SET pin_failures = 0 WHERE phone = ?", (phone,))


def move(tx: Tx, transfer: Transfer, settings: Settings) -> str:
    """Take the money from the wallet, give it to the organisation, write the statement; returns the receipt.

    Refuses (Declined) by the limits of reference/mpesa.md 1.6 and for want of money; then nothing has moved.
    """
    _check_limits(tx, transfer, settings)
    payer = wallet(tx, transfer.phone)
    if payer["balance_cents"] < transfer.amount_cents:
        raise Declined("1")
    at = clock.now_ms()
    receipt = transfer.receipt or fresh_receipt(tx, at)
    tx.execute(
        "UPDATE wallet SET balance_cents = balance_cents - ? WHERE phone = ?", (transfer.amount_cents, transfer.phone)
    )
    after = tx.execute(
        "UPDATE shortcode SET utility_cents = utility_cents + ? WHERE code = ? RETURNING utility_cents, kind",
        (transfer.amount_cents, transfer.shortcode),
    ).fetchone()
    insert(
        tx,
        "movement",
        receipt=receipt,
        at=at,
        type="Buy Goods" if after["kind"] == "till" else "Pay Bill",
        amount_cents=transfer.amount_cents,
        direction="in",
        phone=transfer.phone,
        shortcode=transfer.shortcode,
        account=transfer.account,
        status="Completed",
        channel=transfer.channel,
        utility_after_cents=after["utility_cents"],
    )
    return receipt


def fresh_receipt(tx: Tx, at: int) -> str:
    """A receipt number that no transaction has."""
    while True:
        receipt = identifiers.receipt(at)
        if tx.execute("SELECT 1 FROM movement WHERE receipt = ?", (receipt,)).fetchone() is None:
            return receipt


def movement(tx: Tx, receipt: str) -> sqlite3.Row | None:
    """The line of the statement with this receipt."""
    row: sqlite3.Row | None = tx.execute("SELECT * FROM movement WHERE receipt = ?", (receipt,)).fetchone()
    return row


def _check_limits(tx: Tx, transfer: Transfer, settings: Settings) -> None:
    amount = transfer.amount_cents
    if amount < settings.cents("minimum_amount"):
        raise Declined("2")
    if amount > settings.cents("maximum_amount"):
        raise Declined("3")
    if _paid_today(tx, transfer.phone) + amount > settings.cents("daily_maximum"):
        raise Declined("4")
    organisation = tx.execute("SELECT * FROM shortcode WHERE code = ?", (transfer.shortcode,)).fetchone()
    maximum = organisation["maximum_cents"]
    if maximum is not None and organisation["utility_cents"] + amount > maximum:
        raise Declined("8")


def _paid_today(tx: Tx, phone: str) -> int:
    start, end = clock.day_bounds(clock.eat(clock.now_ms()).date())
    paid: int = tx.execute(
        "SELECT coalesce(sum(amount_cents), 0) FROM movement WHERE phone = ? AND direction = 'in'"
        " AND at >= ? AND at < ?",
        (phone, start, end),
    ).fetchone()[0]
    return paid


def _names(phone: str) -> tuple[str, str, str]:
    """A name that belongs to the number for ever."""
    seed = hashlib.sha256(phone.encode()).digest()
    return (
        FIRST_NAMES[seed[0] % len(FIRST_NAMES)],
        MIDDLE_NAMES[seed[1] % len(MIDDLE_NAMES)],
        LAST_NAMES[seed[2] % len(LAST_NAMES)],
    )
