"""Forms of the room."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form


def _code(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _email(text: str) -> str:
    name, _, host = text.partition("@")
    if text and (not name or "." not in host or " " in text):
        raise ValueError("Enter an address like office@example.co.ke.")
    return text


Name = Annotated[PlainLine, Field(min_length=2, max_length=80)]
OneLine = Annotated[PlainLine, Field(max_length=120)]


class Details(Form):
    """Who the society is; ``version`` says which state of it was looked at."""

    name: Name
    registration_number: Annotated[PlainLine, Field(max_length=40)] = ""
    postal_address: OneLine = ""
    place: OneLine = ""
    phone: Annotated[PlainLine, Field(max_length=40)] = ""
    email: Annotated[PlainLine, Field(max_length=120), AfterValidator(_email)] = ""
    version: Annotated[int, Field(gt=0)]


class NewBranch(Form):
    """A branch that is founded."""

    code: Annotated[str, BeforeValidator(_code), Field(pattern=r"^[A-Z0-9]{2,12}$")]
    name: Name


class BranchName(Form):
    """Another name for a branch; ``was`` is the one that was looked at."""

    name: Name
    was: Name


class NewDay(Form):
    """A day that the society decides about."""

    on_date: DateField
    is_working: bool = False
    reason: Annotated[PlainLine, Field(min_length=3, max_length=120)]


class YearPage(Form):
    """Which year to look at."""

    year: Annotated[int, Field(ge=2000, le=2100)] | None = None
