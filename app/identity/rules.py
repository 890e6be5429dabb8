"""Decisions of this room: how sign-in pauses after failures, when a session has run out, when a sign-in is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.identity.states import CounterKind, SessionState

IDLE_LIMIT = timedelta(minutes=15)  # ASVS V7.3.1: staff 10 to 15 minutes
SESSION_LIMIT = timedelta(hours=10)  # ASVS V7.3.2: one working day
HALF_OPEN_LIMIT = timedelta(minutes=15)  # time to find the phone, and to set up an app on the first day
FRESH_FOR = timedelta(minutes=10)  # how long after showing who one is the sensitive things are open
SEEN_EVERY = timedelta(minutes=1)  # how exactly a session's last use is noted: a row is not written for every click
INVITATION_LIFE = timedelta(hours=24)
RECOVERY_CODES = 10


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
    # Whoever guesses here knows the password already. Three codes of a million are good at any time: in this way it
    # takes a year to get through 9,000 of them.
    CounterKind.SECOND_FACTOR: Pauses(5, timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24)),
}


def ends_at(state: SessionState, *, started_at: datetime, seen_at: datetime) -> datetime:
    """When a session ends unless it is used again: nobody used it, or it has lasted a working day."""
    latest = started_at + (SESSION_LIMIT if state is SessionState.OPEN else HALF_OPEN_LIMIT)
    return min(latest, seen_at + IDLE_LIMIT)


def has_run_out(state: SessionState, *, started_at: datetime, seen_at: datetime, instant: datetime) -> bool:
    """Whether a session is over."""
    return instant >= ends_at(state, started_at=started_at, seen_at=seen_at)


def is_fresh(proved_at: datetime | None, *, instant: datetime) -> bool:
    """Whether somebody has shown who he is lately enough for what is sensitive."""
    return proved_at is not None and instant - proved_at < FRESH_FOR
