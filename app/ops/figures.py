"""The figures that matter, read from PostgreSQL: a handful of short queries, each carried by an index.

They are counts, ages and sums by state, rail and program: no figure names a person, and no label can grow without end.
What happened "lately" is counted over the minutes that the name of the figure says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError

from app.kernel import clock
from app.kernel.database import db
from app.ops.heartbeats import PROGRAMS

log = logging.getLogger(__name__)

STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = 1000"  # milliseconds: watching must not slow what is watched
READ_ONLY = "SET TRANSACTION READ ONLY"


@dataclass(frozen=True, slots=True)
class Reading:
    """One query. Each column that is no label is a figure: ``pamoja_<name>_<column>``."""

    name: str
    query: TextClause
    columns: Mapping[str, str]  # figure: what it tells
    labels: Sequence[str] = ()
    counters: Sequence[str] = ()  # figures that only grow

    def figure(self, column: str) -> str:
        return f"pamoja_{self.name}_{column}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure with its labels."""

    reading: Reading
    column: str
    labels: tuple[str, ...]
    value: float


@dataclass(slots=True)
class Figures:
    """What was read, and which readings failed."""

    samples: list[Sample] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    database_is_up: bool = True

    def value(self, figure: str, *labels: str) -> float | None:
        """One figure, or None where there is none."""
        for sample in self.samples:
            if sample.reading.figure(sample.column) == figure and sample.labels == labels:
                return sample.value
        return None


READINGS: tuple[Reading, ...] = (
    Reading(
        "payments_open",
        text(
            """
            SELECT rail, state, count(*) AS count, sum(amount_cents) / 100.0 AS shillings,
                   extract(epoch FROM :now - min(created_at)) AS oldest_seconds
              FROM payment
             WHERE state IN ('created', 'submitted', 'pending', 'paid', 'unknown') AND merged_into_id IS NULL
             GROUP BY rail, state
            """
        ),
        {
            "count": "Payments without an outcome",
            "shillings": "Money in payments without an outcome",
            "oldest_seconds": "Age of the oldest payment without an outcome",
        },
        labels=("rail", "state"),
    ),
    Reading(
        "payments_last_hour",
        text(
            """
            SELECT rail, state, count(*) AS count, sum(amount_cents) / 100.0 AS shillings
              FROM payment WHERE created_at > :now - interval '1 hour' AND merged_into_id IS NULL
             GROUP BY rail, state
            """
        ),
        {"count": "Payments of the last hour", "shillings": "Money in payments of the last hour"},
        labels=("rail", "state"),
    ),
    Reading(
        "payments_review",
        text("SELECT count(*) AS count FROM payment WHERE needs_review IS NOT NULL"),
        {"count": "Payments that need a person's eye"},
    ),
    Reading(
        "callbacks_last_10_minutes",
        text(
            """
            SELECT c.rail, w.outcome, count(*) AS count
              FROM callback_work w JOIN payment_callback c ON c.id = w.callback_id
             WHERE w.callback_id > :lately
             GROUP BY c.rail, w.outcome
            """
        ),
        {"count": "Callbacks that came in the last ten minutes, by what became of them"},
        labels=("rail", "outcome"),
    ),
    Reading(
        "callback_lag",
        text(
            """
            SELECT q.quantile, q.seconds
              FROM (SELECT percentile_cont(ARRAY[0.5, 0.95, 1.0]) WITHIN GROUP (
                               ORDER BY extract(epoch FROM w.processed_at - c.received_at)) AS seconds
                      FROM callback_work w JOIN payment_callback c ON c.id = w.callback_id
                     WHERE w.callback_id > :lately AND w.processed_at IS NOT NULL) lag
             CROSS JOIN unnest(ARRAY['0.5', '0.95', '1'], lag.seconds) AS q(quantile, seconds)
            """
        ),
        {"seconds": "Time from a callback's arrival to its effect, over the last ten minutes"},
        labels=("quantile",),
    ),
    Reading(
        "callbacks_waiting",
        text(
            """
            SELECT count(*) AS count, extract(epoch FROM :now - min(c.received_at)) AS oldest_seconds
              FROM callback_work w JOIN payment_callback c ON c.id = w.callback_id
             WHERE w.due_at IS NOT NULL
            """
        ),
        {"count": "Callbacks not yet dealt with", "oldest_seconds": "Age of the oldest callback not yet dealt with"},
    ),
    Reading(
        "work_overdue",
        text(
            """
            SELECT 'payments' AS work, count(*) AS count, extract(epoch FROM :now - min(due_at)) AS oldest_seconds
              FROM payment WHERE due_at <= :now
             UNION ALL
            SELECT 'callbacks', count(*), extract(epoch FROM :now - min(due_at)) FROM callback_work WHERE due_at <= :now
             UNION ALL
            SELECT 'texts', count(*), extract(epoch FROM :now - min(due_at)) FROM sms_message WHERE due_at <= :now
             UNION ALL
            SELECT 'timetable', count(*), extract(epoch FROM :now - min(due_at)) FROM schedule_slot WHERE due_at <= :now
            """
        ),
        {"count": "Rows that are due", "oldest_seconds": "For how long the oldest of them has been due"},
        labels=("work",),
    ),
    Reading(
        "suspense",
        text(
            """
            SELECT count(*) AS count, coalesce(sum(a.amount_cents), 0) / 100.0 AS shillings,
                   extract(epoch FROM :now - min(p.created_at)) AS oldest_seconds
              FROM payment_allocation a JOIN payment p ON p.id = a.payment_id
             WHERE a.state = 'suspense'
            """
        ),
        {
            "count": "Receipts whose owner is not known",
            "shillings": "Money whose owner is not known",
            "oldest_seconds": "Age of the oldest receipt whose owner is not known",
        },
    ),
    Reading(
        "texts_open",
        text(
            """
            SELECT state, count(*) AS count, extract(epoch FROM :now - min(created_at)) AS oldest_seconds
              FROM sms_message WHERE state IN ('queued', 'sending') GROUP BY state
            """
        ),
        {"count": "Texts that have not left", "oldest_seconds": "Age of the oldest text that has not left"},
        labels=("state",),
    ),
    Reading(
        "texts_last_hour",
        text(
            "SELECT state, count(*) AS count FROM sms_message WHERE created_at > :now - interval '1 hour'"
            " GROUP BY state"
        ),
        {"count": "Texts of the last hour"},
        labels=("state",),
    ),
    Reading(
        "approvals_waiting",
        text(
            "SELECT count(*) AS count, extract(epoch FROM :now - min(asked_at)) AS oldest_seconds"
            " FROM approval WHERE state = 'waiting'"
        ),
        {"count": "Decisions that wait for a second person", "oldest_seconds": "Age of the oldest such decision"},
    ),
    Reading(
        "webhooks_due",
        text(
            "SELECT count(*) AS count, extract(epoch FROM :now - min(created_at)) AS oldest_seconds"
            " FROM webhook_delivery WHERE due_at IS NOT NULL"
        ),
        {"count": "Messages to other programs not yet taken", "oldest_seconds": "Age of the oldest such message"},
    ),
    Reading(
        "ledger",
        text(
            """
            SELECT coalesce(max(id), 0) AS entries_total,
                   extract(epoch FROM :now - (SELECT posted_at FROM ledger.entry ORDER BY id DESC LIMIT 1))
                       AS last_entry_seconds
              FROM ledger.entry
            """
        ),
        {"entries_total": "Number of the newest entry", "last_entry_seconds": "Time since the newest entry"},
        counters=("entries_total",),
    ),
    Reading(
        "ledger_day",
        text(
            """
            SELECT (SELECT :today - on_date FROM ledger.business_day WHERE state = 'open') AS behind_days,
                   (SELECT count(*) FROM ledger.business_day WHERE state = 'closing') AS unsealed,
                   (SELECT extract(epoch FROM on_date::timestamp) FROM ledger.seal ORDER BY on_date DESC LIMIT 1)
                       AS last_sealed_timestamp_seconds,
                   (SELECT entry_count FROM ledger.seal ORDER BY on_date DESC LIMIT 1) AS last_sealed_entries
            """
        ),
        {
            "behind_days": "Days by which the business date is behind the calendar",
            "unsealed": "Days that are over and not sealed",
            "last_sealed_timestamp_seconds": "The last sealed day, at midnight",
            "last_sealed_entries": "Entries of the last sealed day",
        },
    ),
    Reading(
        "ledger_verified",
        text(
            """
            SELECT is_ok::int AS ok, differences, extract(epoch FROM :now - ended_at) AS age_seconds,
                   extract(epoch FROM ended_at - begun_at) AS took_seconds
              FROM verification ORDER BY ended_at DESC LIMIT 1
            """
        ),
        {
            "ok": "Whether the newest verification of the books found them whole",
            "differences": "What the newest verification of the books found",
            "age_seconds": "Time since the newest verification of the books",
            "took_seconds": "How long the newest verification of the books took",
        },
    ),
    Reading(
        "sign_ins_last_10_minutes",
        text(
            """
            SELECT split_part(action, '.', 2) AS outcome, count(*) AS count FROM audit_event
             WHERE action IN ('identity.signed_in', 'identity.sign_in_failed') AND at > :now - interval '10 minutes'
             GROUP BY action
            """
        ),
        {"count": "Sign-ins of the last ten minutes"},
        labels=("outcome",),
    ),
    Reading(
        "sign_in_locks",
        text("SELECT count(*) AS count FROM sign_in_counter WHERE locked_until > :now"),
        {"count": "Usernames and addresses that must wait before they may try to sign in again"},
    ),
    Reading(
        "program",
        text(
            """
            SELECT p.program, count(h.instance) FILTER (WHERE h.seen_at > :now - interval '90 seconds') AS instances,
                   extract(epoch FROM :now - max(h.seen_at)) AS seen_seconds
              FROM unnest(CAST(:programs AS text[])) AS p(program) LEFT JOIN heartbeat h USING (program)
             GROUP BY p.program
            """
        ).bindparams(bindparam("programs", value=list(PROGRAMS))),
        {"instances": "Programs that were seen lately", "seen_seconds": "Time since such a program was last seen"},
        labels=("program",),
    ),
    Reading(
        "sweep",
        text("SELECT sweep, found AS found_total FROM sweep_tally"),
        {"found_total": "Due rows that a sweep found"},
        labels=("sweep",),
        counters=("found_total",),
    ),
    Reading(
        "beat",
        text(
            "SELECT extract(epoch FROM :now - max(slot_at)) AS seconds FROM schedule_slot"
            " WHERE job = 'ops.beat' AND done_at IS NOT NULL AND slot_at > :now - interval '1 day'"
        ),
        {"seconds": "Time since a beat went through scheduler, Redis and a worker"},
    ),
)


def read(readings: Sequence[Reading] = READINGS) -> Figures:
    """Read them all in one transaction that can neither write nor take long. What fails is left out and named."""
    figures = Figures()
    values = {"now": clock.now(), "today": clock.today_eat(), "lately": _first_id(clock.now() - timedelta(minutes=10))}
    try:
        db.session.execute(text(READ_ONLY))
        db.session.execute(text(STATEMENT_TIMEOUT))
    except DBAPIError:
        figures.database_is_up = False
        return figures
    for reading in readings:
        try:
            with db.session.begin_nested():
                rows = db.session.execute(reading.query, _asked(reading, values)).mappings().all()
        except DBAPIError:
            log.warning("a figure could not be read", extra={"figure": reading.name})
            figures.failed.append(reading.name)
            continue
        figures.samples += [sample for row in rows for sample in _samples(reading, row)]
    return figures


def _first_id(at: datetime) -> UUID:
    """Before every id that the database made since: they begin with the milliseconds, so their index finds them."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _asked(reading: Reading, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f":{name}" in reading.query.text}


def _samples(reading: Reading, row: RowMapping) -> list[Sample]:
    labels = tuple(str(row[name]) for name in reading.labels)
    return [
        Sample(reading, column, labels, float(row[column]))  # taste: a figure for a picture, not for the books
        for column in reading.columns
        if row[column] is not None
    ]
