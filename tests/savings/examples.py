"""Accounts and receipts for tests."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from app.kernel import clock
from app.kernel.money import Money, kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.payments.destinations import Receipt
from app.savings import service
from app.savings.schemas import NewProduct
from tests.members.examples import OFFICER

PAYBILL = "1120"
_numbers = itertools.count(1)


def offer(**changes: Any) -> UUID:
    """A product, different from all before."""
    n = next(_numbers)
    values = NewProduct.parse_json(
        {
            "code": f"PRODUCT{n}",
            "name": f"Savings {n}",
            "control_account": "2010",
            "starts_on": "2020-01-01",
            "minimum_deposit": "100",
            "minimum_balance": "0",
            "decision": "Minute 1/2020",
            **changes,
        }
    )
    return in_transaction(lambda: service.add_product(values, by=OFFICER))


def open_account(member_id: UUID, product_id: UUID) -> int:
    """An account for a member."""
    return in_transaction(lambda: service.open_account(member_id, product_id, on=clock.business_date(), by=OFFICER))


def receipt(amount: str | Money = "1,000", *, number: str = "UKM4T7X2QA") -> Receipt:
    """Money that came over the paybill."""
    return Receipt(
        payment_id=uuid4(),
        allocation=1,
        rail="mpesa",
        receipt_number=number,
        amount=amount if isinstance(amount, Money) else kes(amount),
        clearing_account=PAYBILL,
        branch_id=ledger.head_office(),
        payer="MARY",
        paid_at=datetime(2026, 11, 22, 7, 41, tzinfo=UTC),
    )


def deposit(account_id: int, came: Receipt | None = None) -> int:
    """Pay into an account; returns the entry."""
    money = came or receipt()
    return in_transaction(lambda: service.deposit(money, account_id, on=clock.business_date(), by=OFFICER))
