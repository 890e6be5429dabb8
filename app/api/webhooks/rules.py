"""Decisions: when a message is tried again, and what an answer of the receiver means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# After each try that failed. The last try is a little more than two days after the first: a weekend's outage.
WAITS = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=18),
)
LONGEST_REST = timedelta(minutes=5)  # while a receiver fails, one message in this time tries for all
GONE = 410  # Standard Webhooks: the receiver wants no more, ever


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one try. ``status`` is none when there was no HTTP answer."""

    status: int | None
    words: str
    milliseconds: int

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def wants_no_more(self) -> bool:
        return self.status == GONE


def wait_after(tries: int) -> timedelta | None:
    """How long to wait after the try of this number (from 1) has failed; None: give up."""
    assert tries >= 1
    return WAITS[tries - 1] if tries <= len(WAITS) else None
