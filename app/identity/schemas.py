"""What is typed into the forms of this room."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from app.identity.passwords import LONGEST
from app.identity.states import StaffStatus
from app.kernel.fields import PersonName, PlainLine
from app.kernel.forms import Form

_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,29}", re.A)


def normal_username(text: str) -> str:
    """The one form of a username: nobody is somebody else by a capital letter or a blank."""
    return text.strip().lower()


def _username(value: object) -> str:
    username = normal_username(str(value))
    if not _USERNAME.fullmatch(username):
        raise ValueError("Use 2 to 30 letters, digits, dots or hyphens, and begin with a letter.")
    return username


def _listed(value: object) -> object:
    """One chosen box arrives as a word, several as a list."""
    return [value] if isinstance(value, str) else value


Username = Annotated[str, BeforeValidator(_username)]
# Nothing ticked is nothing sent; that something must be ticked is said by the use case, in its own words.
Chosen = Annotated[list[Annotated[str, Field(max_length=60)]], BeforeValidator(_listed), Field(max_length=50)]
Secret = Annotated[str, StringConstraints(strip_whitespace=False, max_length=LONGEST)]


class _WithSecrets(Form):
    """A form in which a blank at the end of a password counts."""

    model_config = ConfigDict(str_strip_whitespace=False, hide_input_in_errors=True)


class SignIn(_WithSecrets):
    """The sign-in form."""

    username: Annotated[str, Field(max_length=200)]
    password: Secret
    next: Annotated[str, Field(max_length=1_000)] = ""


class Code(Form):
    """The form that asks for a code of the authenticator app, or a recovery code."""

    code: Annotated[str, Field(max_length=40)]
    next: Annotated[str, Field(max_length=1_000)] = ""


class Password(_WithSecrets):
    """The form that asks for the password again, where there is no second factor."""

    password: Secret
    next: Annotated[str, Field(max_length=1_000)] = ""


class Welcome(_WithSecrets):
    """The form on which somebody who was handed a one-time code chooses a password."""

    username: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(max_length=60)]
    new: Annotated[str, StringConstraints(strip_whitespace=False)]  # length is the rule's to judge, in its own words
    again: Annotated[str, StringConstraints(strip_whitespace=False)]

    @property
    def is_repeated(self) -> bool:
        return self.new == self.again


class NewPassword(_WithSecrets):
    """The form on which somebody changes the own password."""

    current: Secret
    new: Annotated[str, StringConstraints(strip_whitespace=False)]  # length is the rule's to judge, in its own words
    again: Annotated[str, StringConstraints(strip_whitespace=False)]

    @property
    def is_repeated(self) -> bool:
        return self.new == self.again


class NewStaff(Form):
    """The form for a new user."""

    username: Username
    name: PersonName
    branch_id: int
    roles: Chosen = []


class Details(Form):
    """Name and branch of a user."""

    name: PersonName
    branch_id: int


class Roles(Form):
    """The roles of a user."""

    roles: Chosen = []


class Standing(Form):
    """Whether a user works here; who leaves hands over to somebody."""

    status: StaffStatus
    successor: UUID | None = None


class NewToken(Form):
    """The form for a new API token."""

    name: Annotated[PlainLine, Field(min_length=1, max_length=60)]
    staff_id: UUID
    scopes: Chosen = []
    days: Annotated[int, Field(ge=1, le=366)]


class Rotation(Form):
    """For how long the secret before is good as well."""

    overlap_hours: Annotated[int, Field(ge=0, le=24)]
