"""Forms and JSON of the room: products, their terms, and the opening of an account."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from app.kernel.fields import DateField, MoneyField, PlainLine
from app.kernel.forms import Form
from app.kernel.money import Money


def _code(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _not_negative(amount: Money) -> Money:
    if amount.cents < 0:
        raise ValueError("Enter zero or more.")
    return amount


Amount = Annotated[MoneyField, AfterValidator(_not_negative)]


class ProductTerms(Form):
    """What the board decided for a product, and since when it holds."""

    starts_on: DateField
    minimum_deposit: Amount
    minimum_balance: Amount
    decision: Annotated[PlainLine, Field(min_length=3, max_length=200)]


class NewProduct(Form):
    """A product with its first terms."""

    code: Annotated[str, BeforeValidator(_code), Field(pattern=r"^[A-Z][A-Z0-9-]{1,19}$")]
    name: Annotated[PlainLine, Field(min_length=3, max_length=60)]
    control_account: Annotated[str, Field(pattern=r"^\d{4}$")]
    is_withdrawable: bool = False
    allows_several: bool = False
    starts_on: DateField
    minimum_deposit: Amount = Money(0)
    minimum_balance: Amount = Money(0)
    decision: Annotated[PlainLine, Field(min_length=3, max_length=200)]

    @property
    def terms(self) -> ProductTerms:
        return ProductTerms(
            starts_on=self.starts_on,
            minimum_deposit=self.minimum_deposit,
            minimum_balance=self.minimum_balance,
            decision=self.decision,
        )


class ProductEdit(Form):
    """What may change about a product that has accounts. Its code and control account may not."""

    name: Annotated[PlainLine, Field(min_length=3, max_length=60)]
    is_withdrawable: bool = False
    allows_several: bool = False
    is_active: bool = False
    version: Annotated[int, Field(gt=0)]


class OpenAccount(Form):
    """In which product an account is opened."""

    product_id: UUID


class StatementPage(Form):
    """Which part of a statement."""

    after: Annotated[str, Field(max_length=300)] | None = None
