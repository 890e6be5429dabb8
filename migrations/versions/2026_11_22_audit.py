"""The audit trail: rows that are added and read, and that nobody changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.grants import append_only, grant

revision = "2026_11_22_audit"
down_revision = "2026_11_22_kernel"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("on_behalf_of", sa.Text),
        sa.Column("branch_id", sa.Integer),
        sa.Column("request_id", sa.Text),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"])
    op.create_index("ix_audit_event_actor", "audit_event", ["actor_kind", "actor_id", "at"])
    op.create_index("ix_audit_event_subject", "audit_event", ["subject_type", "subject_id", "at"])
    op.create_index("ix_audit_event_action", "audit_event", ["action", "at"])
    grant("audit_event", "select, insert")
    append_only("audit_event")


def downgrade() -> None:
    op.drop_table("audit_event")
