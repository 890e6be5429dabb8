"""Reading how far the close of the last days has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from app.dayend.models import DayStep
from app.dayend.steps import steps
from app.kernel.database import db
from app.ledger import queries as ledger

DAYS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step of a day as the page shows it."""

    label: str
    state: str  # done, failed, waiting
    at: datetime | None
    summary: str


@dataclass(frozen=True, slots=True)
class DayShown:
    """One business day as the page shows it."""

    on: date
    state: str  # open, closing, sealed
    steps: list[StepShown]

    @property
    def is_running(self) -> bool:
        """It is over and not sealed, and nothing stands in the way."""
        return self.state == "closing" and all(step.state != "failed" for step in self.steps)


def latest_days() -> list[DayShown]:
    """The last business days, newest first, with the steps of their close."""
    days = ledger.days(latest=DAYS_SHOWN)
    rows = db.session.scalars(select(DayStep).where(DayStep.on_date.in_([day.on for day in days])))
    tried = {(row.on_date, row.step): row for row in rows}
    return [
        DayShown(
            day.on,
            day.state,
            [] if day.state == "open" else [_shown(step.label, tried.get((day.on, step.name))) for step in steps()],
        )
        for day in days
    ]


def _shown(label: str, row: DayStep | None) -> StepShown:
    if row is None:
        return StepShown(label, "waiting", None, "")
    return StepShown(label, "done" if row.finished_at else "failed", row.finished_at or row.tried_at, row.summary)
