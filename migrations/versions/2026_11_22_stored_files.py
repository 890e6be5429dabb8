"""Stored files in encrypted chunks."""

from __future__ import annotations

revision = "2026_11_22_stored_files"
down_revision = "2026_11_22_member_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
