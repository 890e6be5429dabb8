"""Proof that the books are whole: every invariant, over the whole ledger, with queries of its own.

Nothing here calls a function that the database keeps, because whoever could rewrite the books could rewrite that
function as well; even the canonical form of the seal is written out a second time (`checks.py`). It reads one snapshot,
as the application's role, and changes nothing.

Other rooms register a comparison of their own rows with the ledger, so that one command answers for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from app.kernel.database import db
from app.ledger import checks

NAMED_PER_CHECK = 20  # differences of one kind that are named; the rest is counted

Facts = Mapping[str, Any]
Comparison = Callable[[Connection], Iterable[Facts]]

_comparisons: dict[str, Comparison] = {}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be."""

    check: str
    facts: Facts

    def __str__(self) -> str:
        return f"{self.check}: " + ", ".join(f"{name} {value}" for name, value in self.facts.items())


@dataclass(slots=True)
class Report:
    """What was looked at, and what differs."""

    counts: dict[str, int] = field(default_factory=dict)
    last_seal: dict[str, str] | None = None
    differences: list[Difference] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)  # per check, named or not
    checks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.found

    def as_json(self) -> dict[str, Any]:
        """For a program: ``ok``, counts, the checks made and what differs."""
        return {
            "ok": self.ok,
            **self.counts,
            "last_seal": self.last_seal,
            "checks": self.checks,
            "differences": [{"check": d.check, **_plain(d.facts)} for d in self.differences],
            "difference_counts": self.found,
        }


def register(name: str, comparison: Comparison) -> None:
    """Have ``verify`` compare a room's rows with the ledger: the comparison yields the facts of each difference."""
    _comparisons[name] = comparison


def verify(known_seals: Iterable[tuple[date, str]] = ()) -> Report:
    """Check everything in one snapshot of the database, and that seals written down elsewhere are still the same."""
    with db.engine.connect().execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    ) as connection:
        return verify_on(connection, known_seals)


def verify_on(connection: Connection, known_seals: Iterable[tuple[date, str]] = ()) -> Report:
    """The same, as this connection sees the database."""
    for setting in checks.SETTINGS:
        connection.exec_driver_sql(setting)
    report = Report(counts=dict(connection.exec_driver_sql(checks.COUNTS).mappings().one()))
    report.last_seal = _last_seal(connection)
    for name, query in checks.CHECKS.items():
        _note(report, name, (dict(row) for row in connection.exec_driver_sql(query).mappings()))
    _note(report, "seal_is_as_written_down", _other_seals(connection, known_seals))
    for name, comparison in _comparisons.items():
        _note(report, name, comparison(connection))
    return report


def _note(report: Report, name: str, differing: Iterable[Facts]) -> None:
    report.checks.append(name)
    rows = iter(differing)
    named = [Difference(name, dict(facts)) for facts in islice(rows, NAMED_PER_CHECK)]
    if named:
        report.differences += named
        report.found[name] = len(named) + sum(1 for _ in rows)


def _other_seals(connection: Connection, known_seals: Iterable[tuple[date, str]]) -> Iterable[Facts]:
    """Seals unlike those that were written down: only they give away a history rewritten together with its seals."""
    for on, known in known_seals:
        row = connection.execute(
            text("SELECT encode(hash, 'hex') AS hash FROM ledger.seal WHERE on_date = :on"), {"on": on}
        ).one_or_none()
        if row is None or row.hash != known:
            yield {"on": on, "written_down": known, "there": row.hash if row else None}


def _last_seal(connection: Connection) -> dict[str, str] | None:
    row = connection.exec_driver_sql(
        "SELECT on_date, encode(hash, 'hex') AS hash FROM ledger.seal ORDER BY on_date DESC LIMIT 1"
    ).one_or_none()
    return None if row is None else {"on": row.on_date.isoformat(), "hash": row.hash}


def _plain(facts: Facts) -> dict[str, Any]:
    return {name: value if isinstance(value, int | str | None) else str(value) for name, value in facts.items()}
