"""What administrators keep: calendar, texts, branches."""

from __future__ import annotations

revision = "2026_11_22_administration"
down_revision = "2026_11_22_fees"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
