"""Proof that the trail is whole, with queries of its own over one snapshot; it changes nothing.

Nothing here calls a function that the database keeps: whoever could rewrite the trail could rewrite that function as
well. docs/audit-seal.md describes what is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from app.kernel.database import db

NAMED_PER_CHECK = 20  # differences of one kind that are named; the rest is counted

SETTINGS = (
    "SET LOCAL statement_timeout = 0",  # it reads every row there is
    "SET LOCAL timezone = 'UTC'",  # instants are written out for the seal
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '128MB'",
)

COUNTS = """
SELECT (SELECT count(*) FROM audit_event) AS events, (SELECT count(*) FROM audit_digest) AS sealed_events,
       (SELECT count(*) FROM audit_seal) AS sealed_days
"""

# The first row comes first: by day, then in the order in which rows were written.
EVENT_IS_AS_SEALED = """
SELECT coalesce(d.event_id, e.id)::text AS event, coalesce(d.filed_on, e.filed_on) AS "on", e.action,
       CASE WHEN e.id IS NULL THEN 'removed' WHEN d.event_id IS NULL THEN 'inserted after the seal'
            WHEN d.filed_on <> e.filed_on THEN 'moved to another day' ELSE 'changed' END AS trouble
  FROM audit_digest d
  FULL JOIN (
       SELECT e.id, e.filed_on, e.action, sha256(convert_to(concat(
                  '["', e.id, '","', to_char(e.filed_on, 'YYYY-MM-DD'), '","',
                  to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
                  to_json(e.action), ',', to_json(e.subject_type), ',', to_json(e.subject_id), ',',
                  to_json(e.actor_kind), ',', to_json(e.actor_id), ',', to_json(e.channel), ',',
                  coalesce(to_json(e.address)::text, 'null'), ',', coalesce(to_json(e.on_behalf_of)::text, 'null'), ',',
                  coalesce(e.branch_id::text, 'null'), ',', coalesce(to_json(e.request_id)::text, 'null'), ',',
                  coalesce(e.before::text, 'null'), ',', coalesce(e.after::text, 'null'), ']'), 'UTF8')) AS digest
         FROM audit_event e
        WHERE e.filed_on <= (SELECT max(on_date) FROM audit_seal)
           OR EXISTS (SELECT FROM audit_digest d WHERE d.event_id = e.id)
  ) e ON e.id = d.event_id
 WHERE d.digest IS DISTINCT FROM e.digest OR d.filed_on IS DISTINCT FROM e.filed_on
 ORDER BY coalesce(d.filed_on, e.filed_on), coalesce(d.event_id, e.id)
"""

SEALS_CHAIN = """
SELECT s.on_date AS "on", s.event_count AS events_sealed, d.events AS events_there,
       CASE WHEN s.previous_hash <> s.expected_previous THEN 'not chained to the day before'
            WHEN s.day_before <> s.on_date - 1 THEN 'a day is missing before it'
            WHEN s.event_count <> d.events THEN 'another number of rows'
            ELSE 'another hash' END AS trouble
  FROM (SELECT *, coalesce(lag(hash) OVER days, decode(repeat('00', 32), 'hex')) AS expected_previous,
               coalesce(lag(on_date) OVER days, on_date - 1) AS day_before
          FROM audit_seal WINDOW days AS (ORDER BY on_date)) s
  CROSS JOIN LATERAL (
       SELECT count(*) AS events, coalesce(string_agg(digest, ''::bytea ORDER BY event_id), ''::bytea) AS digests
         FROM audit_digest WHERE filed_on = s.on_date) d
 WHERE s.previous_hash <> s.expected_previous OR s.day_before <> s.on_date - 1 OR s.event_count <> d.events
    OR s.hash <> sha256(convert_to(concat('pamoja-audit-day-1', E'\\n', to_char(s.on_date, 'YYYY-MM-DD'), E'\\n',
           encode(s.expected_previous, 'hex'), E'\\n', d.events, E'\\n'), 'UTF8') || d.digests)
 ORDER BY s.on_date
"""

DAYS_ARE_CLOSED = """
SELECT s.on_date AS "on", g.open_on, 'sealed without being closed' AS trouble
  FROM audit_seal s CROSS JOIN audit_gate g WHERE g.open_on IS NULL OR s.on_date >= g.open_on
UNION ALL
SELECT NULL, NULL, 'the gate is gone' WHERE NOT EXISTS (SELECT FROM audit_gate)
"""

PROTECTION_IS_ON = """
SELECT wanted.on_table AS "table", wanted.guard, 'gone or switched off' AS trouble
  FROM (VALUES ('audit_event', 'append_only'), ('audit_event', 'file_under_a_day'), ('audit_digest', 'append_only'),
               ('audit_seal', 'append_only'), ('record_view', 'append_only'), ('audit_gate', 'stay_closed'),
               ('audit_gate', 'keep_rows')) AS wanted (on_table, guard)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = ('public.' || wanted.on_table)::regclass AND t.tgname = wanted.guard
                      AND t.tgenabled = 'O')
"""

RIGHTS_ARE_KEPT = """
SELECT t AS "table", r AS "right", current_user AS role
  FROM unnest(ARRAY['audit_event', 'audit_digest', 'audit_seal', 'audit_gate', 'record_view']) t
  CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) r
 WHERE has_table_privilege('public.' || t, r) AND NOT (r = 'INSERT' AND t IN ('audit_event', 'record_view'))
"""

CHECKS: dict[str, str] = {
    "event_is_as_sealed": EVENT_IS_AS_SEALED,
    "seals_chain": SEALS_CHAIN,
    "days_are_closed": DAYS_ARE_CLOSED,
    "protection_is_on": PROTECTION_IS_ON,
    "rights_are_kept": RIGHTS_ARE_KEPT,
}

Facts = Mapping[str, Any]


@dataclass(slots=True)
class Report:
    """What was looked at, and what differs; within a check the first row that is not as it was comes first."""

    counts: dict[str, int] = field(default_factory=dict)
    last_seal: dict[str, str] | None = None
    differences: list[tuple[str, Facts]] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)  # per check, named or not

    @property
    def ok(self) -> bool:
        return not self.found

    def as_json(self) -> dict[str, Any]:
        """For a program: ``ok``, counts, the last seal and what differs."""
        return {
            "ok": self.ok,
            **self.counts,
            "last_seal": self.last_seal,
            "checks": [*CHECKS, WRITTEN_DOWN],
            "differences": [{"check": check, **_plain(facts)} for check, facts in self.differences],
            "difference_counts": self.found,
        }


WRITTEN_DOWN = "seal_is_as_written_down"


def verify(known_seals: Iterable[tuple[date, str]] = ()) -> Report:
    """Check everything in one snapshot, and that seals written down elsewhere are still the same."""
    with db.engine.connect().execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    ) as connection:
        return verify_on(connection, known_seals)


def verify_on(connection: Connection, known_seals: Iterable[tuple[date, str]] = ()) -> Report:
    """The same, as this connection sees the database."""
    for setting in SETTINGS:
        connection.exec_driver_sql(setting)
    report = Report(counts=dict(connection.exec_driver_sql(COUNTS).mappings().one()))
    last = connection.exec_driver_sql(
        "SELECT on_date, encode(hash, 'hex') AS hash FROM audit_seal ORDER BY on_date DESC LIMIT 1"
    ).one_or_none()
    report.last_seal = {"on": last.on_date.isoformat(), "hash": last.hash} if last else None
    for name, query in CHECKS.items():
        _note(report, name, (dict(row) for row in connection.exec_driver_sql(query).mappings()))
    _note(report, WRITTEN_DOWN, _other_seals(connection, known_seals))
    return report


def _note(report: Report, name: str, differing: Iterable[Facts]) -> None:
    rows = iter(differing)
    named = list(islice(rows, NAMED_PER_CHECK))
    if named:
        report.differences += [(name, facts) for facts in named]
        report.found[name] = len(named) + sum(1 for _ in rows)


def _other_seals(connection: Connection, known_seals: Iterable[tuple[date, str]]) -> Iterable[Facts]:
    """Seals unlike those that were written down: only they give away a trail rewritten together with its seals."""
    for on, known in known_seals:
        query = text("SELECT encode(hash, 'hex') FROM audit_seal WHERE on_date = :on")
        there = connection.scalar(query, {"on": on})
        if there != known:
            yield {"on": on, "written_down": known, "there": there}


def _plain(facts: Facts) -> dict[str, Any]:
    return {name: value if isinstance(value, int | str | None) else str(value) for name, value in facts.items()}
