"""What happened, for other programs: announcements, subscriptions, deliveries; and the rotation of their tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.grants import grant
from migrations.rights import SOCIETY, add_permission, drop_permission

revision = "2026_11_22_webhooks"
down_revision = "2026_11_22_member_documents"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _announcements()
    _subscriptions()
    _deliveries()
    _rotation_of_tokens()
    add_permission("webhooks.manage", "Tell other programs what happens", {"administrator": SOCIETY})
    add_permission("webhooks.view", "See what other programs were told", {"administrator": SOCIETY, "auditor": SOCIETY})


def downgrade() -> None:
    for code in ("webhooks.manage", "webhooks.view"):
        drop_permission(code)
    for table in ("webhook_attempt", "webhook_delivery", "webhook_subscription", "announcement"):
        op.drop_table(table)
    for column in ("previous_until", "previous_hash", "used_from"):
        op.drop_column("api_token", column)


def _rotation_of_tokens() -> None:
    op.add_column("api_token", sa.Column("used_from", sa.Text))
    op.add_column("api_token", sa.Column("previous_hash", sa.LargeBinary, unique=True))
    op.add_column("api_token", sa.Column("previous_until", INSTANT))
    op.create_check_constraint("previous", "api_token", "(previous_hash IS NULL) = (previous_until IS NULL)")


def _announcements() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("subject_type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("passed_on_at", INSTANT),
    )
    op.create_index("ix_announcement_waiting", "announcement", ["at", "id"], postgresql_where="passed_on_at IS NULL")
    op.create_index("ix_announcement_at", "announcement", ["at"])
    grant("announcement", "select, insert, update, delete")


def _subscriptions() -> None:
    op.create_table(
        "webhook_subscription",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("url", sa.LargeBinary, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("events", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("old_secret", sa.LargeBinary),
        sa.Column("old_secret_until", INSTANT),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("failing_since", INSTANT),
        sa.Column("rests_until", INSTANT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('active', 'paused', 'ended')", name="state"),
        sa.CheckConstraint("cardinality(events) > 0", name="events"),
        sa.CheckConstraint("btrim(description) <> ''", name="description"),
    )
    grant("webhook_subscription", "select, insert, update")


def _deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("subscription_id", sa.Uuid, sa.ForeignKey("webhook_subscription.id"), nullable=False),
        sa.Column("announcement_id", sa.Uuid, sa.ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up', 'dropped')", name="state"),
        sa.CheckConstraint("tries >= 0", name="tries"),
        sa.CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="due_at"),
        sa.UniqueConstraint("subscription_id", "announcement_id"),
    )
    op.create_index("ix_webhook_delivery_due_at", "webhook_delivery", ["due_at"], postgresql_where="due_at IS NOT NULL")
    op.create_index("ix_webhook_delivery_subscription_id", "webhook_delivery", ["subscription_id", "id"])
    op.create_index("ix_webhook_delivery_subscription_id_state", "webhook_delivery", ["subscription_id", "state", "id"])
    op.create_index("ix_webhook_delivery_announcement_id", "webhook_delivery", ["announcement_id"])
    grant("webhook_delivery", "select, insert, update")
    op.create_table(
        "webhook_attempt",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("webhook_delivery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
    )
    op.create_index("ix_webhook_attempt_delivery_id", "webhook_attempt", ["delivery_id", "at"])
    grant("webhook_attempt", "select, insert")
