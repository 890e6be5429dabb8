"""What happens by the clock: each slot is a row with a unique key, so any number of schedulers may run.

A scheduler that inserts the slot rings for it; one that finds it there leaves it. A slot whose ring or worker was lost
stays due and the sweep finds it (`reference/queue-and-database.md`, R6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock, doorbell
from app.kernel.database import Instant, db, uuid_key
from app.kernel.doorbell import Ring, job, sweep
from app.kernel.leases import Leased, claim, done, hold, is_due
from app.kernel.transactions import in_transaction

SLOT_LEASE_SECONDS = 600
SLOTS_KEPT = timedelta(days=14)


class ScheduleSlot(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One moment at which one scheduled job ran, runs or should have run."""

    __tablename__ = "schedule_slot"
    __table_args__ = (
        UniqueConstraint("job", "slot_at"),
        Index("ix_schedule_slot_due_at", "due_at", postgresql_where="due_at IS NOT NULL"),
    )

    id: Mapped[UUID] = uuid_key()
    job: Mapped[str]
    slot_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class _Timetable:
    period: timedelta
    offset: timedelta  # from midnight EAT
    function: Callable[[], None]

    def slot(self, instant: datetime) -> datetime:
        """The latest moment at or before ``instant`` at which the job is due."""
        midnight = clock.eat(instant).replace(hour=0, minute=0, second=0, microsecond=0)
        passed = (instant - midnight - self.offset) // self.period
        return midnight + self.offset + passed * self.period


Slots = frozenset[tuple[str, datetime]]

_timetables: dict[str, _Timetable] = {}


def every(*, minutes: int, at_minute: int = 0) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run a function every so many minutes, counted from midnight EAT plus ``at_minute``."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        name = f"{function.__module__.split('.')[-2]}.{function.__name__}"
        _timetables[name] = _Timetable(timedelta(minutes=minutes), timedelta(minutes=at_minute), function)
        return function

    return register


def daily(*, at_minute: int = 0) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run a function once a day, ``at_minute`` minutes after midnight EAT."""
    return every(minutes=24 * 60, at_minute=at_minute)


def tick(known: Slots = frozenset()) -> Slots:
    """Insert the slots whose moment has come and ring for those that are new.

    Returns the slots of this moment; a scheduler hands them in again, so that it writes only when one has changed.
    """
    instant = clock.now()
    slots = frozenset((name, timetable.slot(instant)) for name, timetable in _timetables.items())
    if fresh := slots - known:
        in_transaction(lambda: _insert([{"job": name, "slot_at": at, "due_at": instant} for name, at in sorted(fresh)]))
    return slots


def _insert(slots: list[dict[str, object]]) -> None:
    fresh = db.session.scalars(insert(ScheduleSlot).values(slots).on_conflict_do_nothing().returning(ScheduleSlot.id))
    for slot_id in fresh:
        doorbell.ring("kernel.run_slot", slot_id)


@job("default")
def run_slot(slot_id: UUID) -> None:
    """Run what one slot is for. A slot is done once; a killed run is taken up again when its lease is over."""
    slot = in_transaction(lambda: _claim(slot_id))
    if slot is None:
        return
    name, fence = slot
    _timetables[name].function()
    in_transaction(lambda: _finish(slot_id, fence))


def _claim(slot_id: UUID) -> tuple[str, int] | None:
    slot = claim(ScheduleSlot, slot_id, seconds=SLOT_LEASE_SECONDS)
    return (slot.job, slot.fence) if slot else None


def _finish(slot_id: UUID, fence: int) -> None:
    slot = hold(ScheduleSlot, slot_id, fence=fence)
    slot.done_at = clock.now()
    done(slot)


@sweep
def due_slots() -> Iterable[Ring]:
    """Slots whose ring was lost, or whose worker died."""
    return [
        ("kernel.run_slot", (slot_id,))
        for slot_id in db.session.scalars(select(ScheduleSlot.id).where(is_due(ScheduleSlot)))
    ]


@daily(at_minute=180)
def forget_old_slots() -> None:
    """Slots that were done long ago are of no use to anybody."""
    in_transaction(
        lambda: db.session.execute(delete(ScheduleSlot).where(ScheduleSlot.done_at < clock.now() - SLOTS_KEPT))
    )
