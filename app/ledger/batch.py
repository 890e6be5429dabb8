"""Posting many entries at once, by COPY into tables that belong to the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from app.kernel.actor import Actor
from app.kernel.database import db
from app.ledger.errors import in_words
from app.ledger.values import BatchEntry, BatchResult

if TYPE_CHECKING:
    import psycopg

_ENTRIES = (
    "COPY pg_temp.batch_entry (entry, value_on, relates_to_on, key, cause_type, cause_id, description) FROM STDIN"
)
_LINES = "COPY pg_temp.batch_line (entry, line, account, branch_id, member_account_id, amount_cents) FROM STDIN"


def post_batch(
    entries: Iterable[BatchEntry], *, by: Actor, booked_on: date | None = None, may_move: bool = True
) -> BatchResult:
    """Post many entries, all of them or none; what was posted before under the same key is left out.

    Whoever makes the lines in SQL fills the tables of ``open_batch`` itself and calls ``post_open_batch``.
    Refuses like `service.post`.
    """
    with in_words():
        open_batch()
        _copy(entries)
    return post_open_batch(by=by, booked_on=booked_on, may_move=may_move)


def open_batch() -> None:
    """Make the two empty tables of a batch, ``pg_temp.batch_entry`` and ``pg_temp.batch_line``."""
    # A batch takes the time it takes: the limit for pages and jobs would cut a million lines off.
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    db.session.execute(text("SELECT ledger.open_batch()"))


def post_open_batch(*, by: Actor, booked_on: date | None = None, may_move: bool = True) -> BatchResult:
    """Post what lies in the tables of ``open_batch``. Refuses like `service.post`."""
    with in_words():
        posted = db.session.execute(
            text(
                "SELECT entry_count, posting_count, replayed_count FROM ledger.post_batch("
                ":actor_kind, :actor_id, :actor_channel, :on_behalf_of, CAST(:booked_on AS date), :may_move)"
            ),
            {
                "actor_kind": by.kind,
                "actor_id": by.id,
                "actor_channel": by.channel,
                "on_behalf_of": by.on_behalf_of,
                "booked_on": booked_on,
                "may_move": may_move,
            },
        ).one()
    return BatchResult(entries=posted.entry_count, postings=posted.posting_count, replayed=posted.replayed_count)


def _copy(entries: Iterable[BatchEntry]) -> None:
    """Stream the lines, then the entries: one connection copies into one table at a time."""
    connection: psycopg.Connection[Any] | None = db.session.connection().connection.driver_connection
    assert connection is not None
    heads: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        with cursor.copy(_LINES) as lines:
            for number, entry in enumerate(entries, 1):
                heads.append(_head(number, entry))
                for position, line in enumerate(entry.lines, 1):
                    lines.write_row(
                        (number, position, line.account, line.branch_id, line.member_account, line.amount.cents)
                    )
        with cursor.copy(_ENTRIES) as copy:
            for head in heads:
                copy.write_row(head)


def _head(number: int, entry: BatchEntry) -> tuple[object, ...]:
    return (
        number,
        entry.on,
        entry.relates_to_on,
        entry.key,
        entry.cause.type,
        entry.cause.id,
        entry.description,
    )
