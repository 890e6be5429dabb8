"""The ledger: its own schema, its doors, the chart of accounts of a SACCO, and the runs of the close of day.

The SQL lies in migrations/sql/2026_11_22_ledger/ and is as frozen as this file: a later change of a door is a later
migration with its own CREATE OR REPLACE.
"""

from __future__ import annotations

import csv
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from migrations.grants import application_role, grant

revision = "2026_11_22_ledger"
down_revision = "2026_11_22_audit"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent.parent / "sql" / revision

READABLE = (
    "branch",
    "ledger_account",
    "member_account",
    "business_day",
    "period",
    "entry",
    "posting",
    "balance",
    "hold",
    "daily_total",
    "seal",
    "entry_digest",
    "act",
)
DOORS = (
    "post_entry",
    "open_batch",
    "post_batch",
    "add_branch",
    "add_ledger_account",
    "retire_ledger_account",
    "open_accounts",
    "add_balance",
    "close_account",
    "move_account",
    "set_floor",
    "place_hold",
    "release_hold",
    "open_books",
    "open_period",
    "close_period",
    "roll_day",
    "seal_day",
)


def upgrade() -> None:
    for file in sorted(HERE.glob("*.sql")):
        # Handed to the driver as it stands: a colon is no parameter, and a percent sign means itself when doubled.
        op.get_bind().exec_driver_sql(file.read_text(encoding="utf-8").replace("%", "%%"))
    _chart()
    _rights()
    _day_closing()


def _chart() -> None:
    """The chart of accounts and the head office: what every society starts with."""
    accounts = sa.table(
        "ledger_account",
        *(
            sa.column(name)
            for name in ("code", "name", "type", "natural_side", "is_control", "is_inter_branch", "form_line")
        ),
        schema="ledger",
    )
    with (HERE / "chart.csv").open(encoding="utf-8", newline="") as chart:
        op.bulk_insert(
            accounts,
            [
                {
                    "code": row["code"],
                    "name": row["name"],
                    "type": row["type"],
                    "natural_side": 1 if row["natural_side"] == "debit" else -1,
                    "is_control": row["is_control"] == "yes",
                    "is_inter_branch": row["code"] == "1990",
                    "form_line": row["form_line"] or None,
                }
                for row in csv.DictReader(chart)
            ],
        )
    op.execute("INSERT INTO ledger.branch (code, name) VALUES ('HQ', 'Nairobi')")


def _rights() -> None:
    """The application reads, and goes through the doors; it can make nothing of its own to trick them with."""
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA ledger TO {application_role()}")
    for table in READABLE:
        grant(f"ledger.{table}", "select")
    for door in DOORS:
        op.execute(f"GRANT EXECUTE ON FUNCTION ledger.{door} TO {application_role()}")
    database = op.get_bind().dialect.identifier_preparer.quote(
        op.get_bind().exec_driver_sql("SELECT current_database()").scalar()
    )
    op.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")


def _day_closing() -> None:
    """What the close of each day has done so far: a killed run goes on after the last finished step."""
    op.create_table(
        "day_step",
        sa.Column("on_date", sa.Date, primary_key=True),
        sa.Column("step", sa.Text, primary_key=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
    )
    grant("day_step", "select, insert, update")


def downgrade() -> None:
    op.drop_table("day_step")
    op.execute("DROP SCHEMA ledger CASCADE")
