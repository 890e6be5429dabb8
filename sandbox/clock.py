"""The providers' clock: instants are whole milliseconds since 1970, days and stamps are East Africa Time."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone

EAT = timezone(timedelta(hours=3), "EAT")


def now_ms() -> int:
    """This instant."""
    return time.time_ns() // 1_000_000


def eat(at_ms: int) -> datetime:
    """The wall clock in Nairobi at an instant."""
    return datetime.fromtimestamp(at_ms // 1000, EAT).replace(microsecond=at_ms % 1000 * 1000)


def stamp(at_ms: int) -> str:
    """``YYYYMMDDHHmmss`` in East Africa Time, the way M-PESA writes nearly every instant."""
    return eat(at_ms).strftime("%Y%m%d%H%M%S")


def iso(at_ms: int) -> str:
    """ISO 8601 with the offset of East Africa Time."""
    return eat(at_ms).isoformat(timespec="milliseconds")


def day_bounds(day: date) -> tuple[int, int]:
    """First millisecond of a day in Nairobi, and of the day after."""
    start = int(datetime(day.year, day.month, day.day, tzinfo=EAT).timestamp()) * 1000
    return start, start + 86_400_000
