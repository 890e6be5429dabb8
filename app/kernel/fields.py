"""Field types for forms and JSON: each turns what was sent into a typed value, or says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from app.kernel.money import MAX_CENTS, Money
from app.kernel.phones import Phone

_KRA_PIN = re.compile(r"[AP]\d{9}[A-Z]", re.A)  # A for a person, P for an organisation
_NATIONAL_ID = re.compile(r"\d{6,9}", re.A)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'’-](?=[^\W\d_]))*\.?")


def _text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Only text is read; numbers, lists and true are somebody's mistake."""

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return read(value.strip())

    return validate


def _money(value: Any) -> Money:
    if isinstance(value, Money):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) * 100 > MAX_CENTS:
            raise ValueError("This amount is too large.")
        return Money(value * 100)
    if not isinstance(value, str):
        raise ValueError("Send the amount as text like 1500.50 or as a whole number.")
    return Money.parse(value)


def _positive(value: Any) -> Money:
    amount = _money(value)
    if amount.cents <= 0:
        raise ValueError("Enter an amount above zero.")
    return amount


def _phone(value: Any) -> Phone:
    return value if isinstance(value, Phone) else _text(Phone.parse)(value)


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d %b %Y"):
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007 - only the date is kept
        except ValueError:
            continue
    raise ValueError("Enter a date like 22/11/2026.")


def _national_id(text: str) -> str:
    digits = re.sub(r"[\s-]", "", text)
    if not _NATIONAL_ID.fullmatch(digits):
        raise ValueError("Enter the number on the national ID: 6 to 9 digits.")
    return digits


def _kra_pin(text: str) -> str:
    pin = text.upper().replace(" ", "")
    if not _KRA_PIN.fullmatch(pin):
        raise ValueError("Enter a KRA PIN like A012345678Z.")
    return pin


def _person_name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= 60 or not _NAME.fullmatch(name):
        raise ValueError("Enter the name in letters, as on the ID (at most 60).")
    return name


def _line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("Enter plain text on one line.")
    return text


MoneyField = Annotated[
    Money,
    BeforeValidator(_money),
    PlainSerializer(lambda amount: amount.decimal(), return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,2})?$"},
                {"type": "integer", "minimum": -(MAX_CENTS // 100), "maximum": MAX_CENTS // 100},
            ],
            "examples": ["1500.00"],
        }
    ),
]
"""Any amount, as text or as whole shillings."""

PositiveMoney = Annotated[
    MoneyField,
    BeforeValidator(_positive),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(?!0+(\.0{1,2})?$)[0-9]+(\.[0-9]{1,2})?$"},
                {"type": "integer", "minimum": 1, "maximum": MAX_CENTS // 100},
            ],
            "examples": ["1500.00"],
        }
    ),
]
"""An amount above zero."""

PhoneField = Annotated[
    Phone,
    BeforeValidator(_phone),
    PlainSerializer(lambda phone: phone.e164, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["0712345678", "+254712345678"]}),
]
DateField = Annotated[date, BeforeValidator(_day)]
NationalId = Annotated[
    str,
    BeforeValidator(_text(_national_id)),
    WithJsonSchema({"type": "string", "pattern": "^[ -]*([0-9][ -]*){6,9}$", "examples": ["23456789"]}),
]
KraPin = Annotated[
    str,
    BeforeValidator(_text(_kra_pin)),
    WithJsonSchema(
        {"type": "string", "pattern": "^ *[APap] *([0-9] *){9}[A-Za-z] *$", "examples": ["A012345678Z"]},
    ),
]
PersonName = Annotated[
    str,
    BeforeValidator(_text(_person_name)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 60, "description": "Letters, as on the ID."}),
]
PlainLine = Annotated[str, BeforeValidator(_text(_line))]
"""Text on one line without control or direction characters; add a length by ``Field(max_length=…)``."""
