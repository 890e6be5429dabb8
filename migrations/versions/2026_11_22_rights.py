"""Rights have a reach (the society, a branch, one's own members) and may have a limit in money."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
from migrations.rights import BRANCH, OWN, SOCIETY, add_permission, drop_permission, held

revision = "2026_11_22_rights"
down_revision = "2026_11_22_savings"
branch_labels = None
depends_on = None

# Whoever serves members serves those of the own branch; what has no branch (receipts that are nobody's yet, products,
# the close of the day) stays with the whole society. A field agent has the members that he visits.
OF_MEMBERS = (
    "members.view", "members.register", "members.edit", "members.change_status",
    "savings.view", "savings.open_account", "payments.view", "payments.prompt", "messaging.view", "audit.view",
)  # fmt: skip
FIRST_REACHES = {"manager": BRANCH, "officer": BRANCH, "teller": BRANCH, "agent": OWN}


def upgrade() -> None:
    _reach_and_limit()
    _roles_that_change()
    _whereabouts()
    add_permission("identity.manage_roles", "Change what roles may do", {"administrator": SOCIETY})
    add_permission("identity.approve_roles", "Approve changes of roles", {"administrator": SOCIETY, "manager": SOCIETY})
    add_permission(
        "members.view_identity",
        "See members' ID numbers and KRA PINs in full",
        {"administrator": SOCIETY, "manager": BRANCH, "officer": BRANCH},
    )


def downgrade() -> None:
    drop_permission("members.view_identity")
    drop_permission("identity.approve_roles")
    drop_permission("identity.manage_roles")
    op.drop_index("ix_audit_event_branch_id_at", "audit_event")
    op.drop_index("ix_sms_message_member_id_created_at", "sms_message")
    op.drop_column("sms_message", "member_id")
    op.drop_index("ix_member_agent_id_number", "member")
    op.drop_column("member", "agent_id")
    op.drop_column("role", "retired_at")
    op.drop_column("role", "version")
    op.drop_column("role_permission", "limit_cents")
    op.drop_column("role_permission", "reach")


def _reach_and_limit() -> None:
    op.add_column("role_permission", sa.Column("reach", sa.String(40), nullable=False, server_default="society"))
    op.add_column("role_permission", sa.Column("limit_cents", sa.BigInteger))
    op.create_check_constraint("reach", "role_permission", "reach IN ('society', 'branch', 'own')")
    op.create_check_constraint("limit", "role_permission", "limit_cents > 0")
    for role, reach in FIRST_REACHES.items():
        op.execute(
            held.update().where(held.c.role_code == role, held.c.permission_code.in_(OF_MEMBERS)).values(reach=reach)
        )


def _roles_that_change() -> None:
    op.add_column("role", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column("role", sa.Column("retired_at", sa.DateTime(timezone=True)))
    grant("role", "insert, update")
    grant("role_permission", "insert, update, delete")


def _whereabouts() -> None:
    """Who visits a member in the field, whom a text went to, and the trail of one branch."""
    op.add_column("member", sa.Column("agent_id", sa.Uuid, sa.ForeignKey("staff.id")))
    op.create_index("ix_member_agent_id_number", "member", ["agent_id", "number"])
    op.add_column("sms_message", sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id")))
    op.execute("UPDATE sms_message SET member_id = cause_id::uuid WHERE cause_type = 'member'")
    op.execute(
        "UPDATE sms_message m SET member_id = p.member_id FROM payment p"
        " WHERE m.cause_type = 'payment' AND p.id = m.cause_id::uuid"
    )
    op.create_index("ix_sms_message_member_id_created_at", "sms_message", ["member_id", "created_at", "id"])
    op.create_index("ix_audit_event_branch_id_at", "audit_event", ["branch_id", "at", "id"])
