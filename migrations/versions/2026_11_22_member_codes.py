"""Members' PINs and one-time codes; what a text keeps secret; when money may leave for a new phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
from migrations.rights import BRANCH, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_member_codes"
down_revision = "2026_11_22_audit_seal"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPEN = "used_at IS NULL AND voided_at IS NULL"


def upgrade() -> None:
    op.add_column("sms_message", sa.Column("secret_text", sa.LargeBinary))
    op.add_column("member_phone", sa.Column("money_out_from", INSTANT))
    op.create_table(
        "member_pin",
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), primary_key=True),
        sa.Column("pin_hash", sa.Text, nullable=False),
        sa.Column("temporary_until", INSTANT),
        sa.Column("issue", sa.Integer, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("tried_at", INSTANT),
        sa.Column("locked_at", INSTANT),
        sa.Column("money_out_from", INSTANT),
        sa.CheckConstraint("tries >= 0 AND issue > 0", name="counts"),
    )
    grant("member_pin", "select, insert, update")
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("subject_type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("facts_hash", sa.LargeBinary, nullable=False),
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("phone_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("voided_at", INSTANT),
        sa.CheckConstraint("tries >= 0", name="tries"),
        sa.CheckConstraint("used_at IS NULL OR voided_at IS NULL", name="one_end"),
        sa.CheckConstraint("expires_at > created_at", name="life"),
    )
    op.create_index(
        "uq_one_time_code_open",
        "one_time_code",
        ["purpose", "subject_type", "subject_id"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )
    op.create_index("ix_one_time_code_phone_hash", "one_time_code", ["phone_hash", "created_at"])
    grant("one_time_code", "select, insert, update")
    everywhere = {"administrator": SOCIETY, "manager": BRANCH, "officer": BRANCH}
    add_permission("members.change_phone", "Verify and change the payment phone of a member", everywhere)
    add_permission(
        "members.approve_phone",
        "Decide about a payment phone that was not proved by a code",
        {"administrator": SOCIETY, "manager": BRANCH},
    )
    add_permission("members.reset_pin", "Give a member a new PIN", everywhere)


def downgrade() -> None:
    for permission in ("members.reset_pin", "members.approve_phone", "members.change_phone"):
        drop_permission(permission)
    op.drop_table("one_time_code")
    op.drop_table("member_pin")
    op.drop_column("member_phone", "money_out_from")
    op.drop_column("sms_message", "secret_text")
