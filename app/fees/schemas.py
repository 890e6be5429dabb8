"""Forms of the room: a new tariff, a new excise rate, and the amount of an example."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from app.fees import rules
from app.fees.events import Basis, Bearer, Event, ExciseKind
from app.kernel.fields import DateField, MoneyField, PlainLine
from app.kernel.forms import Form
from app.kernel.money import ZERO, Money

Decision = Annotated[PlainLine, Field(min_length=3, max_length=200)]
Code = Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,4})?$")]


def _not_negative(amount: Money) -> Money:
    if amount < ZERO:
        raise ValueError("Enter zero or more.")
    return amount


def _percent(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    try:
        percent = Decimal(str(value).strip().removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError("Enter a percentage like 1.5.") from None
    if not percent.is_finite() or not 0 <= percent <= 100 or percent != round(percent, 4):
        raise ValueError("Enter a percentage from 0 to 100, with at most four decimals.")
    return percent


Amount = Annotated[MoneyField, AfterValidator(_not_negative)]
Percent = Annotated[Decimal, BeforeValidator(_percent), PlainSerializer(lambda percent: f"{percent:f}")]


class NewTariff(Form):
    """What is charged for an event from a day on. Amounts of another basis than the chosen one are left aside."""

    event: Event
    starts_on: DateField
    basis: Basis
    flat: Amount | None = None
    percent: Percent | None = None
    minimum: Amount | None = None
    maximum: Amount | None = None
    bands: str = ""
    borne_by: Bearer
    income_account: Code
    expense_account: Code | None = None
    excise_kind: ExciseKind
    excise_included: bool = False
    decision: Decision

    def read_bands(self) -> list[rules.Band]:
        """The bands that were typed. Raises ValueError with a sentence for the field."""
        return rules.read_bands(self.bands)

    def what_is_missing(self) -> dict[str, str]:
        """A sentence for what the chosen basis needs and does not have."""
        match self.basis:
            case Basis.FLAT:
                return {} if self.flat is not None else {"flat": "Enter the fee; zero charges nothing."}
            case Basis.PERCENT:
                if self.percent is None:
                    return {"percent": "Enter the percentage."}
                if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
                    return {"maximum": "The most is not less than the least."}
                return {}
            case Basis.BANDS:
                try:
                    self.read_bands()
                except ValueError as trouble:
                    return {"bands": str(trouble)}
                return {}


class NewExciseRate(Form):
    """A rate of excise duty from a day on, and the act that says so."""

    kind: ExciseKind
    starts_on: DateField
    percent: Percent
    source: Decision


class Example(Form):
    """An amount to try a tariff with."""

    amount: Amount | None = None
