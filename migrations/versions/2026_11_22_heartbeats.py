"""Watchfulness: signs of life, what sweeps found, how verifications ended, when callbacks were dealt with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
from migrations.rights import SOCIETY, add_permission, drop_permission

revision = "2026_11_22_heartbeats"
down_revision = "2026_11_22_administration"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("instance", sa.Text, primary_key=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
    )
    grant("heartbeat", "select, insert, update, delete")
    op.create_table(
        "sweep_tally",
        sa.Column("sweep", sa.Text, primary_key=True),
        sa.Column("found", sa.BigInteger, nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
    )
    grant("sweep_tally", "select, insert, update")
    op.create_table(
        "verification",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("is_ok", sa.Boolean, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("differences", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_verification_ended_at", "verification", ["ended_at"])
    grant("verification", "select, insert")
    op.add_column("callback_work", sa.Column("processed_at", INSTANT))
    add_permission(
        "ops.view",
        "See the system's health",
        {"administrator": SOCIETY, "manager": SOCIETY, "auditor": SOCIETY},
    )


def downgrade() -> None:
    drop_permission("ops.view")
    op.drop_column("callback_work", "processed_at")
    for table in ("verification", "sweep_tally", "heartbeat"):
        op.drop_table(table)
