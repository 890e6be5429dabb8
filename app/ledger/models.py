"""The ledger's tables, for reading. Nothing maps a class to them, so no flush can ever try to write one.

The migration makes them in plain SQL; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.database import Instant, db

SCHEMA = "ledger"
CENTS_OF_MANY = Numeric(24)  # sums over a day may pass what a bigint holds


def _required(name: str, kind: Any, *args: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, *args, nullable=False, **options)


def _id(kind: Any = BigInteger) -> Column[Any]:
    return Column("id", kind, Identity(), primary_key=True)


branch = Table(
    "branch",
    db.metadata,
    _id(Integer),
    _required("code", Text),
    _required("name", Text),
    _required("is_active", Boolean, server_default=text("true")),
    UniqueConstraint("code"),
    schema=SCHEMA,
)

ledger_account = Table(
    "ledger_account",
    db.metadata,
    _id(Integer),
    _required("code", Text),
    _required("name", Text),
    _required("type", Text),
    _required("natural_side", SmallInteger),
    _required("is_control", Boolean),
    _required("is_inter_branch", Boolean, server_default=text("false")),
    _required("is_active", Boolean, server_default=text("true")),
    Column("form_line", Text),
    UniqueConstraint("code"),
    Index("uq_ledger_account_inter_branch", "is_inter_branch", unique=True, postgresql_where=text("is_inter_branch")),
    schema=SCHEMA,
)

member_account = Table(
    "member_account",
    db.metadata,
    _id(),
    _required("number", Text),
    _required("kind", Text),
    _required("branch_id", Integer, ForeignKey("ledger.branch.id")),
    _required("ledger_account_id", Integer, ForeignKey("ledger.ledger_account.id")),
    _required("opened_on", Date),
    _required("opened_by", Text),
    Column("closed_on", Date),
    Column("closed_by", Text),
    UniqueConstraint("number"),
    schema=SCHEMA,
)

business_day = Table(
    "business_day",
    db.metadata,
    Column("on_date", Date, primary_key=True),
    _required("state", Text),
    _required("opened_at", Instant),
    Column("ended_at", Instant),
    Column("sealed_at", Instant),
    Index("uq_business_day_open", "state", unique=True, postgresql_where=text("state = 'open'")),
    schema=SCHEMA,
)

period = Table(
    "period",
    db.metadata,
    Column("month", Date, primary_key=True),
    _required("state", Text),
    _required("opened_at", Instant),
    Column("closed_at", Instant),
    schema=SCHEMA,
)

entry = Table(
    "entry",
    db.metadata,
    _id(),
    Column("reverses_id", BigInteger),
    _required("posted_at", Instant),
    _required("booked_on", Date),
    _required("value_on", Date),
    Column("relates_to_on", Date),
    _required("idempotency_key", Text),
    _required("cause_type", Text),
    _required("cause_id", Text),
    _required("description", Text),
    _required("actor_kind", Text),
    _required("actor_id", Text),
    _required("actor_channel", Text),
    Column("on_behalf_of", Text),
    Index("uq_entry_idempotency_key", "idempotency_key", unique=True),
    Index("uq_entry_reverses_id", "reverses_id", unique=True, postgresql_where=text("reverses_id IS NOT NULL")),
    Index("ix_entry_cause", "cause_type", "cause_id"),
    Index(
        "ix_entry_booked_on",
        "booked_on",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    ),
    schema=SCHEMA,
)

posting = Table(
    "posting",
    db.metadata,
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    _required("amount_cents", BigInteger),
    Column("member_account_id", BigInteger),
    _required("ledger_account_id", Integer),
    _required("branch_id", Integer),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _required("booked_on", Date),
    _required("value_on", Date),
    Index(
        "ix_posting_member_account_id",
        "member_account_id",
        "entry_id",
        postgresql_where=text("member_account_id IS NOT NULL"),
    ),
    Index("ix_posting_ledger_account_id", "ledger_account_id", "booked_on", "entry_id"),
    Index(
        "ix_posting_booked_on",
        "booked_on",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    ),
    schema=SCHEMA,
)

balance = Table(
    "balance",
    db.metadata,
    Column("member_account_id", BigInteger, ForeignKey("ledger.member_account.id"), primary_key=True),
    Column("ledger_account_id", Integer, ForeignKey("ledger.ledger_account.id"), primary_key=True),
    Column("branch_id", Integer, ForeignKey("ledger.branch.id"), primary_key=True),
    _required("natural_side", SmallInteger),
    _required("is_open", Boolean, server_default=text("true")),
    _required("amount_cents", BigInteger, server_default=text("0")),
    _required("held_cents", BigInteger, server_default=text("0")),
    Column("floor_cents", BigInteger),
    schema=SCHEMA,
)

hold = Table(
    "hold",
    db.metadata,
    _id(),
    _required("member_account_id", BigInteger, ForeignKey("ledger.member_account.id")),
    _required("ledger_account_id", Integer, ForeignKey("ledger.ledger_account.id")),
    _required("kind", Text),
    _required("source", Text),
    _required("amount_cents", BigInteger),
    _required("placed_at", Instant),
    _required("placed_by", Text),
    Column("released_at", Instant),
    Column("released_by", Text),
    UniqueConstraint("kind", "source"),
    Index("ix_hold_open", "member_account_id", "ledger_account_id", postgresql_where=text("released_at IS NULL")),
    schema=SCHEMA,
)

daily_total = Table(
    "daily_total",
    db.metadata,
    Column("ledger_account_id", Integer, ForeignKey("ledger.ledger_account.id"), primary_key=True),
    Column("branch_id", Integer, ForeignKey("ledger.branch.id"), primary_key=True),
    Column("booked_on", Date, primary_key=True),
    Column("value_on", Date, primary_key=True),
    _required("debit_cents", CENTS_OF_MANY),
    _required("credit_cents", CENTS_OF_MANY),
    _required("posting_count", BigInteger),
    Index("ix_daily_total_booked_on", "booked_on"),
    schema=SCHEMA,
)

seal = Table(
    "seal",
    db.metadata,
    Column("on_date", Date, ForeignKey("ledger.business_day.on_date"), primary_key=True),
    _required("hash", LargeBinary),
    _required("previous_hash", LargeBinary),
    _required("entry_count", BigInteger),
    _required("posting_count", BigInteger),
    _required("debit_cents", CENTS_OF_MANY),
    _required("sealed_at", Instant),
    _required("sealed_by", Text),
    schema=SCHEMA,
)

entry_digest = Table(
    "entry_digest",
    db.metadata,
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    _required("booked_on", Date),
    _required("digest", LargeBinary),
    Index(
        "ix_entry_digest_booked_on",
        "booked_on",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    ),
    schema=SCHEMA,
)

act = Table(
    "act",
    db.metadata,
    _id(),
    _required("acted_at", Instant),
    _required("act", Text),
    _required("subject", Text),
    _required("facts", JSONB),
    _required("actor", Text),
    Index("ix_act_subject", "subject", "id"),
    schema=SCHEMA,
)

posting_gate = Table("posting_gate", db.metadata, schema=SCHEMA)  # no column: it is there to be locked
