"""What is typed about phones and PINs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.kernel.fields import PhoneField, PlainLine
from app.kernel.forms import Form

Code = Annotated[PlainLine, Field(min_length=1, max_length=12)]
Why = Annotated[PlainLine, Field(min_length=5, max_length=300)]


class NewPhone(Form):
    """The number that a member wants to pay with."""

    phone: PhoneField


class TypedCode(Form):
    """What the member read from the text."""

    code: Code


class ProvedPhone(Form):
    """The new number, and the code that was sent there."""

    phone: PhoneField
    code: Code


class UnprovedPhone(Form):
    """The new number of a member who cannot receive a code, and how it is known to be the member's."""

    phone: PhoneField
    reason: Why


class PhoneChange(Form):
    """What a second person decides: whose payment phone becomes which, and why without a code."""

    member_id: UUID
    phone: PhoneField
    reason: Why
