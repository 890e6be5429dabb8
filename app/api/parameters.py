"""Reading what stands behind the question mark: each name known and given once, or a refusal."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BeforeValidator, Field

from app.api.errors import ParameterRepeated, ParameterUnknown
from app.kernel.forms import Form
from app.kernel.paging import LARGEST_PAGE, PAGE_SIZE

Values = TypeVar("Values", bound=Form)

_WHOLE = re.compile(r"0|[1-9]\d{0,17}", re.A)


def _whole(value: Any) -> Any:
    """Digits and nothing else: ``1_000``, ``+5`` and ``5.0`` are three ways to be misunderstood."""
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ValueError("Enter a whole number in digits.")
        return int(value)
    return value


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError("Send true or false.")
        return value == "true"
    return value


WHOLE = BeforeValidator(_whole)
"""Goes last, so that the bounds before it are described: ``Annotated[int, Field(ge=1), WHOLE]``."""

Flag = Annotated[bool, BeforeValidator(_flag)]


class Paged(Form):
    """A list that is read page by page."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="How many at most."), WHOLE] = PAGE_SIZE
    after: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,400}$", description="`next` of the page before.")] | None = (
        None
    )


def read(form: type[Values]) -> Values:
    """The parameters of this request as typed values. Refuses with ParameterUnknown, ParameterRepeated, Invalid."""
    refuse_unknown(names(form))
    return form.parse_json(request.args.to_dict())


def refuse_unknown(known: set[str]) -> None:
    """A misspelt filter must not answer with everything, and two values of one name are two meanings."""
    for name, values in request.args.lists():
        if name not in known:
            raise ParameterUnknown(name)
        if len(values) > 1:
            raise ParameterRepeated(name)


def names(form: type[Form]) -> set[str]:
    """How the parameters are written in an address."""
    return {field.alias or name for name, field in form.model_fields.items()}
