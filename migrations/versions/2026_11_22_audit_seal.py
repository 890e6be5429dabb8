"""The audit trail: sealed by day, reads of members' records.

The SQL lies in migrations/sql/2026_11_22_audit_seal/ and is as frozen as this file.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, application_role, grant
from migrations.rights import BRANCH, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_audit_seal"
down_revision = "2026_11_22_approvals"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent.parent / "sql" / revision
INSTANT = sa.DateTime(timezone=True)
FUNCTIONS = ("file_audit_event()", "audit_digests(date)", "close_audit_day(date)", "seal_audit_day(date, text)")
DOORS = FUNCTIONS[2:]


def upgrade() -> None:
    _file_old_rows()
    _seal_tables()
    for file in sorted(HERE.glob("*.sql")):
        # Handed to the driver as it stands: a colon is no parameter, and a percent sign means itself when doubled.
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8").replace("%", "%%"))
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION public.{function} FROM PUBLIC")
    for door in DOORS:
        op.execute(f"GRANT EXECUTE ON FUNCTION public.{door} TO {application_role()}")
    _views_of_records()
    add_permission(
        "audit.export",
        "Take the audit trail away as a table",
        {"administrator": SOCIETY, "manager": BRANCH, "auditor": SOCIETY},
    )


def _file_old_rows() -> None:
    """Rows written before there were seals are filed under the day on which they were written."""
    op.add_column("audit_event", sa.Column("filed_on", sa.Date))
    # What was recorded stays as it is; only the new column is filled, by the owner, once.
    op.execute("ALTER TABLE audit_event DISABLE TRIGGER append_only")
    op.execute("UPDATE audit_event SET filed_on = (at AT TIME ZONE interval '3 hours')::date")
    op.execute("ALTER TABLE audit_event ENABLE TRIGGER append_only")
    op.alter_column("audit_event", "filed_on", nullable=False)
    op.create_index("ix_audit_event_filed_on", "audit_event", ["filed_on", "id"])
    op.create_index("ix_audit_event_address", "audit_event", ["address", "at"])
    op.create_index("ix_audit_event_request_id", "audit_event", ["request_id"])


def _seal_tables() -> None:
    op.create_table(
        "audit_gate",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("open_on", sa.Date),
        sa.CheckConstraint("id = 1", name="only_one"),
    )
    op.execute("INSERT INTO audit_gate (id) VALUES (1)")
    op.create_table(
        "audit_digest",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("filed_on", sa.Date, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_audit_digest_filed_on", "audit_digest", ["filed_on", "event_id"])
    op.create_table(
        "audit_seal",
        sa.Column("on_date", sa.Date, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("event_count", sa.Integer, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.Column("sealed_by", sa.Text, nullable=False),
    )
    for table in ("audit_gate", "audit_digest", "audit_seal"):
        grant(table, "select")
    for table in ("audit_digest", "audit_seal"):
        append_only(table)


def _views_of_records() -> None:
    """Who looked at whose record: at most one row for each reader, record, page and minute."""
    op.create_table(
        "record_view",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("subject_type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("branch_id", sa.Integer),
        sa.Column("session_id", sa.Uuid),
        sa.Column("address", sa.Text),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.UniqueConstraint(
            "subject_type", "subject_id", "at", "actor_kind", "actor_id", "what", "session_id",
            name="uq_record_view_once_a_minute", postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_index("ix_record_view_at", "record_view", ["at", "id"])
    op.create_index("ix_record_view_actor", "record_view", ["actor_kind", "actor_id", "at"])
    op.create_index("ix_record_view_session_id", "record_view", ["session_id", "at"])
    op.create_index("ix_record_view_branch_id", "record_view", ["branch_id", "at", "id"])
    grant("record_view", "select, insert")
    append_only("record_view")


def downgrade() -> None:
    drop_permission("audit.export")
    for table in ("record_view", "audit_seal", "audit_digest"):
        op.drop_table(table)
    op.execute("DROP TRIGGER file_under_a_day ON audit_event")
    op.drop_table("audit_gate")
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION public.{function}")
    op.drop_column("audit_event", "filed_on")
    op.drop_index("ix_audit_event_address", "audit_event")
    op.drop_index("ix_audit_event_request_id", "audit_event")
