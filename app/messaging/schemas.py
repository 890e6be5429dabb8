"""What browsers and the provider send, as typed values."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form
from app.kernel.phones import Phone
from app.messaging.states import SmsState


class MessageFilter(Form):
    """Which texts to list."""

    state: SmsState | None = None
    template: Annotated[str, StringConstraints(max_length=60)] | None = None
    since: DateField | None = None
    until: DateField | None = None
    after: Annotated[str, StringConstraints(max_length=400)] | None = None

    @property
    def days(self) -> tuple[date | None, date | None]:
        return self.since, self.until


class WordingForm(Form):
    """New words for a text: looked at with examples, proposed, or given up for Pamoja's own."""

    words: Annotated[PlainLine, Field(min_length=10, max_length=400)] | None = None
    reason: Annotated[PlainLine, Field(max_length=200)] = ""
    step: Literal["look", "propose", "reset"] = "look"

    @property
    def wanted(self) -> str | None:
        """What members are to read; none for Pamoja's own words."""
        return None if self.step == "reset" else self.words


def _phone_or_none(value: object) -> Phone | None:
    """The provider's word for a number; one that is not Kenyan is none of ours."""
    try:
        return Phone.parse(str(value))
    except ValueError:
        return None


class DeliveryReport(BaseModel):
    """What Africa's Talking posts about one text; fields it adds later are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\w.:-]+$")]
    status: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    phone: Annotated[Phone | None, BeforeValidator(_phone_or_none), Field(alias="phoneNumber")] = None
    failure_reason: Annotated[str | None, Field(alias="failureReason", max_length=80)] = None
