"""On which days the society works: Monday to Friday but for Kenya's public holidays, and what the society decided.

Public holidays come from the `holidays` package, which knows those that the law names and moves (a holiday on a Sunday
is kept on the Monday) and marks Eid as estimated until it is announced. The society may close on other days and work on
a Saturday or a holiday: its own rows win.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays
from sqlalchemy import select

from app.kernel.database import db
from app.society.models import CalendarDay

SATURDAY = 5
FURTHEST = 60  # days without a single working day: somebody closed the society for good


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is not like others of its weekday, and why."""

    on: date
    is_working: bool
    name: str
    is_ours: bool  # decided by the society


def is_working_day(on: date) -> bool:
    """Whether the society works on a day."""
    return _works(on, db.session.scalar(select(CalendarDay.is_working).where(CalendarDay.on_date == on)))


def next_working_day(on: date) -> date:
    """The day itself if the society works then, else the first on which it does."""
    return _nearest(on, step=1)


def previous_working_day(on: date) -> date:
    """The day itself if the society works then, else the last on which it did."""
    return _nearest(on, step=-1)


def year(number: int) -> list[SpecialDay]:
    """Every special day of a year in order: public holidays, and what the society decided in their place."""
    begins, ends = date(number, 1, 1), date(number, 12, 31)
    decided = db.session.scalars(select(CalendarDay).where(CalendarDay.on_date.between(begins, ends))).all()
    days = {on: SpecialDay(on, False, name, False) for on, name in public_holidays(number).items()}
    days |= {day.on_date: SpecialDay(day.on_date, day.is_working, day.reason, True) for day in decided}
    return [days[on] for on in sorted(days)]


@lru_cache(maxsize=64)
def public_holidays(number: int) -> dict[date, str]:
    """Kenya's public holidays of a year."""
    return dict(sorted(holidays.country_holidays("KE", years=number).items()))


def _nearest(on: date, *, step: int) -> date:
    first, last = sorted((on, on + timedelta(days=step * FURTHEST)))
    rows = db.session.execute(
        select(CalendarDay.on_date, CalendarDay.is_working).where(CalendarDay.on_date.between(first, last))
    )
    decided = {row.on_date: row.is_working for row in rows}
    for days in range(FURTHEST):
        day = on + timedelta(days=step * days)
        if _works(day, decided.get(day)):
            return day
    raise AssertionError(f"the society is closed for {FURTHEST} days from {on}")


def _works(on: date, decided: bool | None) -> bool:
    if decided is not None:
        return decided
    return on.weekday() < SATURDAY and on not in public_holidays(on.year)
