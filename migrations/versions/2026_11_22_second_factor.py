"""Second factors, recovery codes, invitations and how fresh a sign-in is.

Passwords that were handed over and never changed stop working: whoever has one asks for a one-time code. The column
that marked them, ``staff.temporary_until``, stays for processes of the release before and is dropped by the next.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
from migrations.rights import BRANCH, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_second_factor"
down_revision = "2026_11_22_rights"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

END_REASONS = "'signed_out', 'password_changed', 'access_withdrawn', 'ended_by_administrator'"
MORE_END_REASONS = f"{END_REASONS}, 'ended_by_owner', 'second_factor_changed'"


def upgrade() -> None:
    _sessions()
    _factors()
    _invitations()
    holders = {"administrator": SOCIETY, "manager": BRANCH}
    add_permission("identity.approve_factor_resets", "Approve that a second factor is taken away", holders)


def downgrade() -> None:
    drop_permission("identity.approve_factor_resets")
    op.drop_table("staff_invitation")
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
    op.execute("DELETE FROM sign_in_counter WHERE kind = 'second_factor'")
    _replace_check("sign_in_counter", "kind", "kind IN ('username', 'address')")
    op.execute("DELETE FROM staff_session")
    _replace_check("staff_session", "end_reason", f"end_reason IN ({END_REASONS})")
    op.drop_column("staff_session", "proved_at")
    op.drop_column("staff_session", "state")
    op.execute("UPDATE staff SET password_hash = '' WHERE password_hash IS NULL")
    op.alter_column("staff", "password_hash", nullable=False)


def _sessions() -> None:
    # A session that says nothing is half open: what the release before opens, waits for a second factor in this one.
    op.add_column("staff_session", sa.Column("state", sa.String(40), nullable=False, server_default="half_open"))
    op.add_column("staff_session", sa.Column("proved_at", INSTANT))
    op.create_check_constraint("state", "staff_session", "state IN ('half_open', 'open')")
    _replace_check("staff_session", "end_reason", f"end_reason IN ({MORE_END_REASONS})")
    _replace_check("sign_in_counter", "kind", "kind IN ('username', 'address', 'second_factor')")


def _factors() -> None:
    op.create_table(
        "second_factor",
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    grant("second_factor", "select, insert, update, delete")
    op.create_table(
        "recovery_code",
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary, primary_key=True),
        sa.Column("used_at", INSTANT),
    )
    grant("recovery_code", "select, insert, update, delete")


def _invitations() -> None:
    op.alter_column("staff", "password_hash", nullable=True)
    op.execute("UPDATE staff SET password_hash = NULL WHERE temporary_until IS NOT NULL")
    op.create_table(
        "staff_invitation",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("code_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name="kind"),
    )
    op.create_index(
        "ix_staff_invitation_open", "staff_invitation", ["staff_id"], unique=True, postgresql_where="closed_at IS NULL"
    )
    grant("staff_invitation", "select, insert, update")


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(name, table, condition)
