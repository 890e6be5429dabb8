"""What happened, for other programs: announcements, subscriptions, deliveries."""

from __future__ import annotations

revision = "2026_11_22_webhooks"
down_revision = "2026_11_22_member_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
