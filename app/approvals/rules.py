"""Decisions about decisions: how a command is written down, and how many people it needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.money import ZERO, Money

DAYS_TO_DECIDE = 7
MOST_PERSONS = 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which amounts one person, and from which two, look at a command; and for how long it waits for them."""

    one_from: Money = ZERO
    two_from: Money | None = None
    days: int = DAYS_TO_DECIDE


DEFAULT_THRESHOLD = Threshold()
"""Everything needs one more person."""


def persons_needed(amount: Money | None, threshold: Threshold) -> int:
    """How many people decide besides the one who asks. What has no amount always needs somebody."""
    if amount is None:
        return MOST_PERSONS if threshold.two_from is not None else 1
    if threshold.two_from is not None and amount >= threshold.two_from:
        return MOST_PERSONS
    return 1 if amount >= threshold.one_from else 0


def canonical(values: Mapping[str, Any]) -> str:
    """JSON in the one form in which equal inputs are equal text."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(command: str, inputs: str) -> bytes:
    """What a stored command is recognised by: its inputs, and what was to be done with them."""
    return hashlib.sha256(f"{command}\0{inputs}".encode()).digest()
