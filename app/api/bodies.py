"""Reading a JSON body: one meaning for every byte, or a refusal."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.errors import Malformed, NotJson, TooLarge
from app.kernel.forms import Form

LARGEST_BODY = 65_536  # many times the longest real one

Values = TypeVar("Values", bound=Form)


class Nothing(Form):
    """The body of an endpoint that takes none."""


def read(form: type[Values]) -> Values:
    """The body of this request as typed values. Refuses with NotJson, TooLarge, Malformed and Invalid."""
    return form.parse_json(read_json(), strict=True)


def refuse_any() -> None:
    """This endpoint takes no body: none, or an empty object. Refuses with NotJson, TooLarge, Malformed and Invalid."""
    if request.content_length or request.headers.get("Transfer-Encoding"):
        read(Nothing)


def read_json() -> Any:
    """The body of this request as plain JSON. Refuses with NotJson, TooLarge and Malformed."""
    if request.mimetype != "application/json" or request.content_encoding:
        raise NotJson
    request.max_content_length = LARGEST_BODY
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge(f"The body may have at most {LARGEST_BODY} bytes.") from None
    return parse(content)


def parse(content: bytes) -> Any:
    """Strict JSON in UTF-8: a name twice in one object, NaN or an unprintable text is refused with Malformed."""
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
        _check_text(value)
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON in UTF-8.") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of a body with a name twice may each believe another one: such a body is not read at all."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("A name appears twice in one object of the body.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a JSON number.")


def _check_text(value: Any) -> None:
    """No text may hold what PostgreSQL cannot store: NUL and half a surrogate pair."""
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, str):
        value.encode("utf-8")  # ValueError for half a pair
        if "\0" in value:
            raise Malformed("A text of the body holds a NUL character.")
