"""Keyset paging: a page starts after the last row of the one before, so deep pages cost what the first does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_

from app.kernel.database import db
from app.kernel.errors import Invalid

T = TypeVar("T")

PAGE_SIZE = 25
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the token of the page after them, if there is one."""

    items: Sequence[T]
    next: str | None


def keyset(
    query: Select[Any],
    *,
    by: Sequence[Any],
    after: str | None = None,
    size: int = PAGE_SIZE,
    descending: bool = True,
) -> Page[Any]:
    """One page of ``query``: a select of one entity, or of rows that carry the columns of ``by`` under their own names.

    ``by`` ends in a unique column. Refuses a token that we did not make with Invalid.
    """
    size = max(1, min(size, LARGEST_PAGE))
    if after:
        position = tuple_(*by)
        start = tuple_(*_decode(after, by))
        query = query.where(position < start if descending else position > start)
    ordered = query.order_by(*(column.desc() if descending else column.asc() for column in by)).limit(size + 1)
    result = db.session.execute(ordered)
    rows: Sequence[Any] = result.scalars().all() if len(result.keys()) == 1 else result.all()
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, _encode([getattr(rows[-1], column.key) for column in by]) if more else None)


def _encode(values: Sequence[Any]) -> str:
    plain = [
        value.isoformat() if isinstance(value, date) else value if isinstance(value, int) else str(value)
        for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(token: str, by: Sequence[Any]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return [_read(column.type.python_type, value) for column, value in zip(by, values, strict=True)]
    except (ValueError, TypeError, binascii.Error):
        raise Invalid({"after": "This page does not exist; start from the first."}) from None


def _read(kind: type, value: Any) -> Any:
    readers: dict[type, Callable[[Any], Any]] = {
        datetime: datetime.fromisoformat,
        date: date.fromisoformat,
        UUID: UUID,
        int: int,
        str: str,
    }
    return readers[kind](value)
