"""The steps of the close of day, in order. Later rooms add accruals and checks; the seal is always the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from app.kernel.actor import Actor
from app.ledger import queries, service

Work = Callable[[date, Actor], str]


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the close: ``work`` does it for a day, in the transaction it is given, and says what it did."""

    name: str
    label: str
    work: Work


_added: dict[str, Step] = {}


def add(name: str, label: str, work: Work) -> None:
    """Have the close of each day do ``work``, after the steps that were added before and before the seal.

    It posts with ``booked_on`` the day that is closed, as the actor it is handed. After an interruption it runs again
    and finds nothing of the run before.
    """
    assert name != SEAL.name, "the seal is the last step and there is one"
    _added[name] = Step(name, label, work)


def steps() -> list[Step]:
    """All steps of a day, in the order in which they are done."""
    return [*_added.values(), SEAL]


def _seal(on: date, by: Actor) -> str:
    sealed = service.seal_day(on, by=by)
    counts = queries.seal_of(on)
    return f"{counts.entry_count:,} entries, {counts.debits} debited; seal {sealed.hex()[:16]}"


SEAL = Step("seal", "Daily totals and seal", _seal)
