"""Rights have a reach (the society, a branch, one's own members) and may have a limit in money."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_rights"
down_revision = "2026_11_22_savings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("role_permission", sa.Column("reach", sa.String(40), nullable=False, server_default="society"))
    op.add_column("role_permission", sa.Column("limit_cents", sa.BigInteger))
    op.create_check_constraint("reach", "role_permission", "reach IN ('society', 'branch', 'own')")
    op.create_check_constraint("limit", "role_permission", "limit_cents > 0")


def downgrade() -> None:
    op.drop_column("role_permission", "limit_cents")
    op.drop_column("role_permission", "reach")
