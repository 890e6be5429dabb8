"""The close of day by the clock, and when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from app.dayend.run import run as run_close
from app.kernel import clock
from app.kernel.doorbell import Ring, job, sweep
from app.kernel.schedule import daily
from app.ledger import queries

SCHEDULER = "system:scheduler"


@daily(at_minute=0)
def midnight() -> None:
    """00:00 in Nairobi: the business date moves, and the day that is over is closed."""
    if queries.books_are_open():
        run_close(asked_by=SCHEDULER)


@job("default")
def run(asked_by: str) -> None:
    """Roll and close whatever is due. Ringing twice changes nothing."""
    run_close(asked_by=asked_by)


@sweep
def late_roll() -> Iterable[Ring]:
    """A roll that midnight could not do, because the machine was off or somebody posted a long batch just then."""
    if queries.books_are_open() and queries.business_date() < clock.today_eat():
        yield "dayend.run", (SCHEDULER,)
