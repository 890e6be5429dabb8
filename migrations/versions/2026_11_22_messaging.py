"""Messaging: the outbox of texts and early delivery reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant

revision = "2026_11_22_messaging"
down_revision = "2026_11_22_identity"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATES = ("queued", "sending", "sent", "delivered", "failed", "unknown")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "sms_message",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("phone", sa.LargeBinary, nullable=False),
        sa.Column("phone_hash", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("language", _one_of("language", "en", "sw"), nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("cause_type", sa.Text, nullable=False),
        sa.Column("cause_id", sa.Text, nullable=False),
        sa.Column("state", _one_of("state", *STATES), nullable=False),
        sa.Column("useful_until", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("is_held", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("provider_code", sa.Text),
        sa.Column("provider_message_id", sa.Text),
        sa.Column("cost", sa.Numeric(10, 4)),
        sa.Column("cost_currency", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("sent_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.UniqueConstraint("cause_type", "cause_id", "template"),
        sa.UniqueConstraint("provider_message_id"),
        sa.CheckConstraint("attempts >= 0 AND parts > 0", name="counts"),
    )
    op.create_index("ix_sms_message_due_at", "sms_message", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_sms_message_held", "sms_message", ["due_at"], postgresql_where=sa.text("is_held"))
    op.create_index("ix_sms_message_created_at_id", "sms_message", ["created_at", "id"])
    op.create_index("ix_sms_message_state_created_at_id", "sms_message", ["state", "created_at", "id"])
    op.create_index("ix_sms_message_phone_hash_created_at", "sms_message", ["phone_hash", "created_at"])
    grant("sms_message", "select, insert, update")

    op.create_table(
        "sms_delivery_report",
        sa.Column("provider_message_id", sa.Text, primary_key=True),
        sa.Column("state", _one_of("state", *STATES), nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    op.create_index("ix_sms_delivery_report_received_at", "sms_delivery_report", ["received_at"])
    grant("sms_delivery_report", "select, insert, update, delete")


def downgrade() -> None:
    op.drop_table("sms_delivery_report")
    op.drop_table("sms_message")
