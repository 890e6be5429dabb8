"""Decisions of this room: how long sign-in pauses after failures, and when a session has run out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.identity.states import CounterKind

IDLE_LIMIT = timedelta(minutes=15)  # ASVS V7.3.1: staff 10 to 15 minutes
SESSION_LIMIT = timedelta(hours=10)  # ASVS V7.3.2: one working day
SEEN_EVERY = timedelta(minutes=1)  # how exactly a session's last use is noted: a row is not written for every click
TEMPORARY_PASSWORD_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Pauses:
    """How many tries in a row are free, and how the pauses after them grow."""

    free: int
    first: timedelta
    longest: timedelta
    forgotten_after: timedelta

    def after(self, tries: int) -> timedelta | None:
        """The pause that starts with the try of this number, if that one fails; each is twice the one before."""
        if tries < self.free:
            return None
        doublings = min(tries - self.free, 16)  # far beyond the longest pause; keeps the number small
        return min(self.first * (1 << doublings), self.longest)


PAUSES = {
    CounterKind.USERNAME: Pauses(5, timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=24)),
    # One office is one address: many people mistype there, and only a machine goes on like this.
    CounterKind.ADDRESS: Pauses(50, timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)),
}


def has_run_out(*, started_at: datetime, seen_at: datetime, instant: datetime) -> bool:
    """Whether a session is over because nobody used it, or because it has lasted a working day."""
    return instant - seen_at >= IDLE_LIMIT or instant - started_at >= SESSION_LIMIT
