"""Permissions and who holds them at first: said by the migration of the room that they belong to."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

SOCIETY, BRANCH, OWN = "society", "branch", "own"

permission = sa.table("permission", sa.column("code", sa.Text), sa.column("label", sa.Text))
held = sa.table(
    "role_permission",
    sa.column("role_code", sa.Text),
    sa.column("permission_code", sa.Text),
    sa.column("reach", sa.Text),
    sa.column("limit_cents", sa.BigInteger),
)


def add_permission(
    code: str, label: str, holders: Mapping[str, str], *, limits_cents: Mapping[str, int] | None = None
) -> None:
    """Add a permission and give it to roles: ``{"manager": BRANCH, "auditor": SOCIETY}``, with limits where they apply.

    What the society changed since is its own business: this is only how a new installation begins.
    """
    op.bulk_insert(permission, [{"code": code, "label": label}])
    op.bulk_insert(
        held,
        [
            {
                "role_code": role,
                "permission_code": code,
                "reach": reach,
                "limit_cents": (limits_cents or {}).get(role),
            }
            for role, reach in holders.items()
        ],
    )


def drop_permission(code: str) -> None:
    """Take a permission away from every role, and forget it."""
    op.execute(held.delete().where(held.c.permission_code == code))
    op.execute(permission.delete().where(permission.c.code == code))
