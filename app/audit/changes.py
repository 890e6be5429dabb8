"""What an audit row says about a change: the fields that differ, and never the content of an encrypted one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from app.kernel.money import Money

CHANGED = "changed"  # stands for the value of an encrypted field: that it changed is known, what it was is not


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of ``after`` that are new or differ, as they were and as they are; ``hidden`` ones only as changed."""
    names = [name for name, value in after.items() if name not in before or before[name] != value]
    was = {name: before[name] for name in names if name in before and name not in hidden}
    now = {name: CHANGED if name in hidden else after[name] for name in names}
    return was, now


def plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Values as JSON holds them. Raises TypeError for what has no plain form, so that nothing is guessed."""
    return None if values is None else {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, Money):
        return value.decimal()
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"an audit row cannot hold {type(value).__name__}")
