"""Signs of life as rows: each worker and scheduler says every quarter of a minute that it is there.

Redis knows of workers too, but forgets them with everything else; a row also tells what was there and is no more.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock, doorbell
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.ops.models import Heartbeat, SweepTally

EVERY_SECONDS = 15
SEEN_LATELY = timedelta(seconds=90)  # a busy machine, or a database that restarts, may cost a few beats
FORGOTTEN_AFTER = timedelta(days=1)
SCHEDULER = "scheduler"
PROGRAMS = (*doorbell.QUEUES, SCHEDULER)


@dataclass(frozen=True, slots=True)
class Program:
    """One kind of program that must be running somewhere."""

    name: str
    running: int  # how many were seen lately
    seen_at: datetime | None  # when the latest of them was seen

    @property
    def is_there(self) -> bool:
        return self.running > 0


@dataclass(slots=True)
class Pulse:
    """The sign of life of this process: ``beat()`` may be called as often as one likes, and writes when it is time."""

    program: str
    instance: str = field(default_factory=lambda: f"{platform.node()}:{os.getpid()}")
    _next: float = 0.0

    def beat(self) -> None:
        """Say that this program is alive, if it is time to."""
        if time.monotonic() < self._next:
            return
        in_transaction(lambda: note(self.program, self.instance))
        self._next = time.monotonic() + EVERY_SECONDS


def note(program: str, instance: str) -> None:
    """Write down that a program was seen, and forget its predecessors of long ago."""
    assert program in PROGRAMS, f"nobody looks for {program}"
    seen = {"seen_at": clock.now(), "release": current_app.extensions["settings"].release}
    fresh = insert(Heartbeat).values(program=program, instance=instance, started_at=clock.now(), **seen)
    db.session.execute(fresh.on_conflict_do_update(index_elements=["program", "instance"], set_=seen))
    long_gone = delete(Heartbeat).where(Heartbeat.program == program, Heartbeat.seen_at < clock.now() - FORGOTTEN_AFTER)
    db.session.execute(long_gone)


def programs() -> list[Program]:
    """Every kind of program that must be running, seen lately or not."""
    lately = func.count().filter(Heartbeat.seen_at > clock.now() - SEEN_LATELY)
    rows = db.session.execute(
        select(Heartbeat.program, lately, func.max(Heartbeat.seen_at)).group_by(Heartbeat.program)
    )
    known = {name: Program(name, running, seen_at) for name, running, seen_at in rows}
    return [known.get(name, Program(name, 0, None)) for name in PROGRAMS]


def note_finds(found: Mapping[str, int]) -> None:
    """Add what the sweeps have just found to what they found before."""
    rows = [{"sweep": sweep, "found": count, "found_at": clock.now()} for sweep, count in found.items() if count]
    if not rows:
        return
    fresh = insert(SweepTally).values(rows)
    more = {"found": SweepTally.found + fresh.excluded.found, "found_at": fresh.excluded.found_at}
    db.session.execute(fresh.on_conflict_do_update(index_elements=["sweep"], set_=more))
