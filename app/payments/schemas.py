"""Forms of payments: text to typed values."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.kernel.fields import DateField, PhoneField, PlainLine, PositiveMoney
from app.kernel.forms import Form
from app.payments.destinations import Purpose
from app.payments.queries import PaymentFilter
from app.payments.states import PaymentState


class PromptForm(Form):
    """The prompt payment dialog."""

    account: Annotated[
        str, Field(pattern=r"^[A-Z_]+:\d{1,18}$")
    ]  # purpose and member account, as the select offers them
    amount: PositiveMoney
    rail: Annotated[str, Field(pattern=r"^[a-z]{2,20}$")]
    phone: PhoneField

    @property
    def purpose(self) -> Purpose | None:
        """What the payment is for, if it is a purpose at all."""
        name = self.account.partition(":")[0]
        return Purpose(name) if name in set(Purpose) else None

    @property
    def account_id(self) -> int:
        return int(self.account.partition(":")[2])


class FilterForm(Form):
    """The filters above a list of payments, sent by GET."""

    member: UUID | None = None
    purpose: Purpose | None = None
    state: PaymentState | None = None
    rail: Annotated[str, Field(pattern=r"^[a-z]{2,20}$")] | None = None
    first_on: DateField | None = None
    last_on: DateField | None = None
    receipt: Annotated[PlainLine, Field(max_length=40)] = ""
    review: bool = False
    after: Annotated[str, Field(max_length=400)] | None = None

    def chosen(self) -> PaymentFilter:
        """The filter they stand for."""
        return PaymentFilter(
            member_id=self.member,
            purpose=self.purpose,
            state=self.state,
            rail=self.rail,
            first_on=self.first_on,
            last_on=self.last_on,
            receipt=self.receipt,
            needs_review=self.review,
        )


class AllocateForm(Form):
    """Where a share in suspense belongs."""

    reference: Annotated[PlainLine, Field(min_length=1, max_length=40)]
