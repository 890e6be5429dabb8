"""What ``/control`` takes: each field read and checked; a ValueError says in words what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sandbox import amounts, faults, wallets
from sandbox.daraja import prompts

Reader = Callable[[Any], tuple[str, Any]]


def wallet_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and values of ``PUT /control/phones/…``."""
    readers: dict[str, Reader] = {
        "balance": lambda value: ("balance_cents", _not_negative(amounts.to_cents(value))),
        "auto_answer": lambda value: ("auto_answer", _auto_answer(value)),
        "delay_seconds": lambda value: ("delay_ms", _milliseconds(value)),
        "pin": lambda value: ("pin", _matching("pin", value, r"\d{4}")),
        "pin_locked": lambda value: ("pin_failures", wallets.WRONG_PINS_ALLOWED if _flag("pin_locked", value) else 0),
        "sms_blocked": lambda value: ("sms_blocked", int(_flag("sms_blocked", value))),
    }
    _only(body, readers)
    return dict(readers[name](value) for name, value in body.items())


def shortcode_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and values of ``PUT /control/shortcodes/…``."""
    readers: dict[str, Reader] = {
        "name": lambda value: ("name", _matching("name", value, r".{1,200}")),
        "maximum_balance": lambda value: (
            "maximum_cents",
            None if value is None else _not_negative(amounts.to_cents(value)),
        ),
        "validation": lambda value: ("validation", int(_flag("validation", value))),
        "msisdn_form": lambda value: ("msisdn_form", _matching("msisdn_form", value, "by_version|clear|older_mask")),
    }
    _only(body, readers)
    return dict(readers[name](value) for name, value in body.items())


def _auto_answer(value: object) -> str | None:
    """True types the PIN; an action does that; false or null asks the person again."""
    if value in (None, False, "", "off"):
        return None
    if value is True:
        return "pin"
    if value not in prompts.ACTIONS:
        raise ValueError("auto_answer must be true, false or one of " + ", ".join(prompts.ACTIONS))
    return str(value)


def _milliseconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= faults.LONGEST_DELAY_SECONDS:
        raise ValueError(f"delay_seconds must be a number from 0 to {faults.LONGEST_DELAY_SECONDS}")
    return int(Decimal(str(value)) * 1000)


def _not_negative(cents: int) -> int:
    if cents < 0:
        raise ValueError("an amount cannot be below zero")
    return cents


def whole_shillings(value: object) -> int:
    """An amount as M-PESA moves it, in cents."""
    cents = amounts.to_cents(value)
    if cents < 100 or cents % 100:
        raise ValueError("amount must be whole shillings, 1 or more")
    return cents


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def text(body: Mapping[str, Any], name: str, pattern: str) -> str:
    """A text that must have a form; one that is left out is empty."""
    return _matching(name, "" if body.get(name) is None else body[name], pattern)


def _matching(name: str, value: object, pattern: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not re.fullmatch(pattern, str(value).strip()):
        raise ValueError(f"{name} is not right")
    return str(value).strip()


def _only(body: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}; known are {', '.join(known)}")
