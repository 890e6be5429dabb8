"""What a person typed or a program sent becomes typed values, or a sentence beside each wrong field.

One pydantic model serves a page's form and a JSON body, so both accept and refuse the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict

from app.kernel.errors import Invalid

KEY = "key"  # the hidden field with the idempotency key
_ASIDE = {"csrf_token", KEY}

_PLAIN_WORDS = {
    "missing": "This is needed.",
    "string_too_short": "This is needed.",
    "string_too_long": "At most {max_length} characters.",
    "string_pattern_mismatch": "This does not have the right form.",
    "string_type": "Send this as text.",
    "extra_forbidden": "This field is not known here.",
    "literal_error": "Choose one of the options.",
    "enum": "Choose one of the options.",
    "uuid_parsing": "Choose one of the options.",
    "int_parsing": "Enter a whole number.",
    "int_type": "Enter a whole number.",
    "int_from_float": "Enter a whole number.",
    "greater_than": "Enter more than {gt}.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than": "Enter less than {lt}.",
    "less_than_equal": "Enter {le} or less.",
    "too_short": "This is needed.",
    "too_long": "That is too many.",
    "bool_parsing": "Choose yes or no.",
}


class Form(BaseModel):
    """Base of every form and JSON body: unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True, str_max_length=1_000)

    @classmethod
    def parse(cls, sent: MultiDict[str, str] | Mapping[str, str]) -> Filled[Self]:
        """Read a page's form. Never raises: what is wrong is in ``errors``, what was typed in ``typed``.

        An empty field counts as left out, as a browser cannot leave one out. A list field takes every value sent.
        """
        typed = {name: value for name, value in sent.items() if name not in _ASIDE}
        given: dict[str, Any] = {name: value for name, value in typed.items() if value.strip()}
        if isinstance(sent, MultiDict):
            repeated = {name for name in given if len(sent.getlist(name)) > 1}
            given |= {name: sent.getlist(name) for name in repeated}
        key = sent.get(KEY)
        try:
            return Filled(cls.model_validate(given), {}, typed, key)
        except ValidationError as error:
            return Filled(None, _sentences(error.errors()), typed, key)

    @classmethod
    def parse_json(cls, sent: Any, *, strict: bool = False) -> Self:
        """Read a JSON object. Refuses with Invalid, a sentence for each field.

        Strictly, a number is not also read from text, nor true from 1: as a program's body means it.
        """
        if not isinstance(sent, dict):
            raise Invalid({"body": "Send one JSON object."})
        try:
            return cls.model_validate_json(json.dumps(sent), strict=True) if strict else cls.model_validate(sent)
        except ValidationError as error:
            raise Invalid(_sentences(error.errors())) from None


Values = TypeVar("Values", bound=Form)


@dataclass(slots=True)
class Filled(Generic[Values]):
    """A form as it came back: the values if all is well, else what is wrong; and always what was typed."""

    parsed: Values | None = None
    errors: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    key: str | None = None

    @property
    def values(self) -> Values:
        """The typed values; only asked for once ``errors`` is empty."""
        assert self.parsed is not None, "the form has errors"
        return self.parsed

    def refuse(self, refusal: Invalid) -> None:
        """Take over what a use case found wrong, to show it beside the fields."""
        self.errors.update(refusal.errors)


def _sentences(errors: list[ErrorDetails]) -> dict[str, str]:
    found: dict[str, str] = {}
    for error in errors:
        name = ".".join(str(part) for part in error["loc"]) or "form"
        found.setdefault(name, _sentence(error))
    return found


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    words = _PLAIN_WORDS.get(error["type"])
    if words is None:
        return re.sub(r"^Value error, ", "", error["msg"])
    return words.format(**error.get("ctx", {}))
