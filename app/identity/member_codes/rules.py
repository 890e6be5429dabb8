"""Decisions about PINs and codes: which PIN is too easy, how long one waits, how many codes a phone gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

SHORTEST_PIN, LONGEST_PIN = 4, 6
TEMPORARY_PIN_LIFE = timedelta(hours=24)  # ASVS V6.4.1: initial secrets are short-lived
WRONG_PINS = 3  # in a row, across channels; then the PIN is locked until it is reset
PIN_PAUSES = (timedelta(0), timedelta(seconds=10), timedelta(minutes=1))
"""How long one waits before the try that follows none, one and two wrong ones: a script is slowed, a slip of the thumb
hardly."""

CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=10)  # ASVS V6.5.5
CODE_TRIES = 5  # ASVS V6.6.3: then it is void, whatever the channel
CODE_BUDGET = ((timedelta(hours=1), 5), (timedelta(hours=24), 10))
"""How many codes one phone is texted within which span: each costs money, and a flood of them is a nuisance."""

COOLING_OFF = timedelta(hours=24)
"""No money out after a new payment phone or PIN: time in which the real owner of a swapped SIM can object."""

_COMMON = frozenset({"2580", "0852", "1397", "7913", "159753", "147258", "258025", "112233", "1122", "2211"})
"""Pictures on the keypad and doubles, which people and thieves try first."""

_DIGITS = re.compile(rf"\d{{{SHORTEST_PIN},{LONGEST_PIN}}}", re.A)


@dataclass(frozen=True, slots=True)
class About:
    """What others may know of a member, and a PIN therefore must not be."""

    born_on: date | None = None
    numbers: Sequence[str] = field(default_factory=tuple)  # own phones and national ID, digits only


def why_not_pin(pin: str, about: About) -> str | None:
    """Why this PIN is refused, as a sentence; None if it may be used."""
    if not _DIGITS.fullmatch(pin):
        return f"A PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits."
    if _is_pattern(pin) or pin in _COMMON:
        return "This PIN is too easy to guess. Choose digits without a pattern."
    if about.born_on and pin in _dates(about.born_on):
        return "This PIN is a date or year that others know of you. Choose another."
    if any(number.endswith(pin) or number.startswith(pin) for number in about.numbers):
        return "This PIN is a part of your phone or ID number. Choose another."
    return None


def pause_after(wrong: int) -> timedelta:
    """How long to wait after so many wrong tries in a row."""
    return PIN_PAUSES[min(wrong, len(PIN_PAUSES) - 1)]


def wait_for_budget(sent: Sequence[datetime], at: datetime) -> timedelta | None:
    """How long until one more code may be sent, given when the last ones were; None if it may be now."""
    waits = []
    for span, most in CODE_BUDGET:
        within = sorted(instant for instant in sent if instant > at - span)
        if len(within) >= most:
            waits.append(within[-most] + span - at)
    return max(waits) if waits else None


def _is_pattern(pin: str) -> bool:
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    is_sequence = len(steps) == 1  # 1111, 1234, 9876, 2468
    repeats = (pin[:size] * (len(pin) // size) for size in (2, 3))  # 1212, 123123
    return is_sequence or pin in repeats


def _dates(born_on: date) -> set[str]:
    """A date of birth in the ways people shorten it."""
    forms = ("%Y", "%d%m", "%m%d", "%m%y", "%y%m", "%d%m%y", "%y%m%d", "%m%d%y", "%m%Y", "%Y%m")
    return {born_on.strftime(form) for form in forms}
