"""Heartbeats of workers and scheduler."""

from __future__ import annotations

revision = "2026_11_22_heartbeats"
down_revision = "2026_11_22_administration"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
