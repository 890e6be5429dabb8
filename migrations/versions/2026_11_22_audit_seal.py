"""The audit trail: sealed by day, reads of members' records."""

from __future__ import annotations

revision = "2026_11_22_audit_seal"
down_revision = "2026_11_22_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
