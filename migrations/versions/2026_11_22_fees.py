"""Fees: dated tariffs and what was charged."""

from __future__ import annotations

revision = "2026_11_22_fees"
down_revision = "2026_11_22_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
