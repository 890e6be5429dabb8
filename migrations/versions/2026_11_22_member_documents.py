"""Members' documents and photos."""

from __future__ import annotations

revision = "2026_11_22_member_documents"
down_revision = "2026_11_22_stored_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
