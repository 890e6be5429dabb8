"""Moving the business date and closing what is over. A shell: it opens one transaction for each step."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert

from app.dayend.errors import DayNotOver
from app.dayend.models import DayStep
from app.dayend.steps import Step, steps
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Refusal, Trouble
from app.kernel.transactions import in_transaction
from app.ledger import queries, service

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """One step of one day: what it did, or that it had been done before."""

    step: str
    summary: str
    before: bool


@dataclass(slots=True)
class Closed:
    """What a run did with one day."""

    on: date
    steps: list[Done] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What one run did."""

    rolled: list[date] = field(default_factory=list)  # the days that ended
    days: list[Closed] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "rolled": [day.isoformat() for day in self.rolled],
            "days": [
                {
                    "on": day.on.isoformat(),
                    "steps": [{"step": s.step, "summary": s.summary, "done_before": s.before} for s in day.steps],
                }
                for day in self.days
            ],
        }


def run(*, until: date | None = None, asked_by: str) -> Run:
    """Move the business date to today, one missed day after the other, then close what is over, oldest first.

    The date moves whether or not closing succeeds: members pay today, not when the books of yesterday are done.
    Refuses with DayNotOver for a day that has not ended, and with BooksNotOpen.
    """
    by = Actor.system(service.DAY_END, on_behalf_of=asked_by)
    result = Run(rolled=roll(by))
    if until is not None and until >= queries.business_date():
        raise DayNotOver(until, queries.business_date())
    for day in [day for day in queries.unsealed_days() if until is None or day <= until]:
        result.days.append(close(day, by))
    if until is not None and not result.days:
        result.days.append(_as_it_was(until))
    return result


def roll(by: Actor) -> list[date]:
    """End every day before today, in order."""
    ended: list[date] = []
    while (day := queries.business_date()) < clock.today_eat():
        in_transaction(lambda ending=day: service.roll_day(ending, by=by))  # type: ignore[misc]
        ended.append(day)
    return ended


def close(day: date, by: Actor) -> Closed:
    """Do every step of a day that is not done yet; what is done stays done if a later step fails."""
    closed = Closed(day)
    for step in steps():
        closed.steps.append(_do(step, day, by))
    return closed


def _do(step: Step, day: date, by: Actor) -> Done:
    try:
        done = in_transaction(lambda: _do_once(step, day, by))
    except (Refusal, Trouble) as trouble:
        _note_trouble(step, day, by, trouble.message)
        raise
    except Exception:
        _note_trouble(step, day, by, "Something went wrong in the system; its engineers can find it in the log.")
        raise
    return done


def _do_once(step: Step, day: date, by: Actor) -> Done:
    """Claim the step by its row: a second run waits here for the first one's commit, and then finds the step done."""
    if not _claim(step, day, by):
        return Done(step.name, db.session.get_one(DayStep, (day, step.name)).summary, before=True)
    summary = step.work(day, by)
    row = db.session.get_one(DayStep, (day, step.name), populate_existing=True)
    row.finished_at, row.summary = clock.now(), summary
    return Done(step.name, summary, before=False)


def _claim(step: Step, day: date, by: Actor) -> bool:
    values = {"tried_at": clock.now(), "summary": "", "asked_by": by.on_behalf_of or by.principal}
    claimed = (
        insert(DayStep)
        .values(on_date=day, step=step.name, **values)
        .on_conflict_do_update(
            index_elements=[DayStep.on_date, DayStep.step], set_=values, where=DayStep.finished_at.is_(None)
        )
        .returning(DayStep.step)
    )
    return db.session.scalar(claimed) is not None


def _note_trouble(step: Step, day: date, by: Actor, words: str) -> None:
    """Leave word for the page, in a transaction of its own: that of the step is gone."""
    log.exception("a step of the close of day failed", extra={"step": step.name, "day": day.isoformat()})

    def note() -> None:
        if _claim(step, day, by):
            db.session.get_one(DayStep, (day, step.name), populate_existing=True).summary = words

    in_transaction(note)


def _as_it_was(day: date) -> Closed:
    rows = db.session.query(DayStep).filter(DayStep.on_date == day, or_(DayStep.finished_at.is_not(None)))
    return Closed(day, [Done(row.step, row.summary, before=True) for row in rows.order_by(DayStep.finished_at)])
