"""Approvals: stored commands that wait for a second person."""

from __future__ import annotations

revision = "2026_11_22_approvals"
down_revision = "2026_11_22_second_factor"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
