"""Members' PINs and one-time codes."""

from __future__ import annotations

revision = "2026_11_22_member_codes"
down_revision = "2026_11_22_audit_seal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
