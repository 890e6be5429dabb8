"""What the API tells of savings."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from app.kernel.answers import Amount, Answer, ListAnswer, PageAnswer
from app.ledger.values import StatementLine
from app.savings.models import AccountStatus
from app.savings.queries import AccountWithBalance, ProductWithTerms


class ProductAnswer(Answer):
    """A savings product, with the terms that hold today; null where none have begun."""

    id: UUID
    code: str
    name: str
    is_active: bool = Field(description="Takes new accounts.")
    is_withdrawable: bool
    allows_several: bool = Field(description="A member may have more than one account.")
    minimum_deposit: Amount | None
    minimum_balance: Amount | None


class Products(ListAnswer[ProductAnswer]):
    """Every savings product, by name; those that take new accounts first."""


class AccountAnswer(Answer):
    """A savings account, with what is in it."""

    number: str = Field(examples=["SV-000123"])
    member_id: UUID
    product_id: UUID
    product: str = Field(description="The product's name.")
    status: AccountStatus
    is_normal: bool = Field(description="Money that names only the member goes here.")
    opened_on: date
    closed_on: date | None
    balance: Amount
    available: Amount = Field(description="The balance, less what is held.")
    free_to_withdraw: Amount = Field(description="What could be paid out now.")


class Accounts(ListAnswer[AccountAnswer]):
    """A member's savings accounts, the normal one first and closed ones last."""


class StatementLineAnswer(Answer):
    """One movement of an account, with the balance after it."""

    entry_id: int
    line: int
    booked_on: date
    value_on: date
    posted_at: datetime
    description: str
    amount: Amount = Field(description="What came in; negative: what went out.")
    balance: Amount


class Statement(PageAnswer[StatementLineAnswer]):
    """Movements of an account, newest first."""


def product(shown: ProductWithTerms) -> ProductAnswer:
    """A product and its terms."""
    return ProductAnswer(
        id=shown.product.id,
        code=shown.product.code,
        name=shown.product.name,
        is_active=shown.product.is_active,
        is_withdrawable=shown.product.is_withdrawable,
        allows_several=shown.product.allows_several,
        minimum_deposit=shown.terms.minimum_deposit if shown.terms else None,
        minimum_balance=shown.terms.minimum_balance if shown.terms else None,
    )


def account(shown: AccountWithBalance) -> AccountAnswer:
    """An account and its balances."""
    account = shown.account
    return AccountAnswer(
        number=account.number,
        member_id=account.member_id,
        product_id=account.product_id,
        product=account.product.name,
        status=account.status,
        is_normal=account.is_normal,
        opened_on=account.opened_on,
        closed_on=account.closed_on,
        balance=shown.balance,
        available=shown.available,
        free_to_withdraw=shown.free_to_withdraw,
    )


def line(shown: StatementLine) -> StatementLineAnswer:
    """One movement."""
    return StatementLineAnswer(
        entry_id=shown.entry_id,
        line=shown.line,
        booked_on=shown.booked_on,
        value_on=shown.value_on,
        posted_at=shown.posted_at,
        description=shown.description,
        amount=shown.amount,
        balance=shown.balance,
    )
