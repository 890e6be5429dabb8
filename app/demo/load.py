"""Loads a demonstration society: a branch, staff, products, members, and months of deposits.

Everything goes by the same doors as in real life (the register's hashes, the ledger's doors) but for many at once, so
that a hundred thousand members take a minute. All of it is one transaction: it is there, or it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from random import Random
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, text

from app import audit
from app.demo import history, members
from app.demo.members import Account
from app.demo.people import people
from app.fees import queries as fees_queries
from app.fees import service as fees
from app.fees.schemas import NewTariff
from app.identity import passwords
from app.identity import queries as identity
from app.identity.service import staff
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.members.models import Member
from app.savings import queries as savings_queries
from app.savings import service as savings
from app.savings.models import SavingsProduct
from app.savings.schemas import NewProduct

BY = Actor.system("demo")
OFFICER, AGENT = "officer", "agent"

STAFF = (
    ("admin", "Amina Hassan", "administrator"),
    ("manager", "George Kariuki", "manager"),
    (OFFICER, "Naomi Chebet", "officer"),
    ("teller", "Kevin Omondi", "teller"),
    ("accountant", "Lydia Mwende", "accountant"),
    ("auditor", "Samuel Wekesa", "auditor"),
    (AGENT, "Peris Moraa", "agent"),
)

PRODUCTS = (
    NewProduct(
        code="DEPOSITS", name="Member deposits", control_account="2010", starts_on=date(2020, 1, 1),
        minimum_deposit=kes(100), decision="Board minute 14/2019",
    ),
    NewProduct(
        code="ORDINARY", name="Ordinary savings", control_account="2110", is_withdrawable=True,
        starts_on=date(2020, 1, 1), minimum_deposit=kes(50), minimum_balance=kes(200), decision="Board minute 15/2019",
    ),
    NewProduct(
        code="GOAL", name="Goal savings", control_account="2120", is_withdrawable=True, allows_several=True,
        starts_on=date(2024, 7, 1), minimum_deposit=kes(100), decision="Board minute 8/2024",
    ),
)  # fmt: skip

FEES = (
    {
        "event": "withdrawal", "basis": "bands", "bands": "1,000 20\n5,000 35\n20,000 60\nmore 100",
        "income_account": "4320",
    },
    {"event": "statement", "basis": "flat", "flat": "100", "income_account": "4330"},
)  # fmt: skip

CHUNK = 5_000  # members whose rows are held in memory at a time

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was made."""

    members: int
    accounts: int
    entries: int


def load(count: int, *, seed: int, password: str) -> Loaded | None:
    """Make the demonstration society; None, and nothing is touched, if there are members already."""
    if db.session.scalar(select(Member.id).limit(1)) is not None:
        return None
    db.session.execute(text("SET LOCAL statement_timeout = 0"))  # a large society takes longer than a page may
    ledger.open_books(clock.today_eat(), by=BY)
    today = clock.business_date()
    branches = _branches()
    staff_ids = _staff(branches[-1], password)
    products = _products()
    _fees(today)
    months = history.open_months(today, history.months_for(count), by=BY)
    accounts: list[Account] = []
    chance = Random(seed)  # noqa: S311 - which accounts people hold, no secret
    for chunk in _chunks(people(count, seed=seed, today=today), CHUNK):
        registered = members.register(
            chunk, branches=branches, officer_id=staff_ids[OFFICER], agent_id=staff_ids[AGENT], by=BY
        )
        accounts += members.open_accounts(registered, products, chance=chance, by=BY)
    posted = ledger.post_batch(history.deposits(accounts, months, seed=seed), by=BY)
    made = Loaded(count, len(accounts), posted.entries)
    audit.record("demo.loaded", subject=("society", "demonstration"), by=BY, after={"members": count, "seed": seed})
    return made


def _branches() -> list[int]:
    """The head office in Nairobi, and Nakuru."""
    known = {branch.code: branch.id for branch in ledger_queries.branches()}
    return [ledger_queries.head_office(), known.get("NKU") or ledger.add_branch("NKU", "Nakuru", by=BY)]


def _staff(branch_id: int, password: str) -> dict[str, UUID]:
    """One user for each role, by username; all of them work at one branch."""
    made: dict[str, UUID] = {}
    password_hash = passwords.hashed(password)
    for username, name, role in STAFF:
        known = identity.by_username(username)
        made[username] = known.id if known else staff.create_demonstration(
            username=username, name=name, branch_id=branch_id, role=role, password_hash=password_hash, by=BY
        )  # fmt: skip
    return made


def _products() -> dict[str, SavingsProduct]:
    for product in PRODUCTS:
        if savings_queries.product_by_code(product.code) is None:
            savings.add_product(product, by=BY)
    return {product.code: product for product in db.session.scalars(select(SavingsProduct))}


def _fees(today: date) -> None:
    """What the board decided to charge, from today on; joining costs nothing."""
    usual = {"borne_by": "member", "excise_kind": "other_fees", "decision": "Board minute 3/2026"}
    for fee in () if fees_queries.all_holding(on=today) else FEES:
        fees.add_tariff(NewTariff.parse_json({**usual, **fee, "starts_on": today.isoformat()}), on=today, by=BY)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
