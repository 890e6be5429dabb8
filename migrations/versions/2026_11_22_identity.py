"""Staff, roles and rights with their first contents, sessions, sign-in counters, API tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant

revision = "2026_11_22_identity"
down_revision = "2026_11_22_ledger"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

PERMISSIONS = {
    "audit.view": "Read the audit trail",
    "dayend.run": "Close the day",
    "identity.manage_tokens": "Issue and revoke API tokens",
    "identity.manage_users": "Create users and give them roles",
    "ledger.view": "Read the ledger",
    "members.change_status": "Activate and deactivate members",
    "members.edit": "Change members' details",
    "members.register": "Register members",
    "members.view": "See members",
    "messaging.view": "Read messages that were sent",
    "mpesa.configure": "Set up the M-PESA paybill",
    "payments.allocate": "Allocate money that was not matched",
    "payments.prompt": "Prompt members to pay",
    "payments.view": "See payments",
    "savings.manage_products": "Set up savings products",
    "savings.open_account": "Open savings accounts",
    "savings.view": "See savings accounts",
}

READ = {"members.view", "savings.view", "payments.view"}

# Duties after the society's usual separation: whoever keeps the system does not also decide alone about money once
# approvals are in place; the auditor reads everything and writes nothing.
ROLES = {
    "administrator": ("Administrator", "Keeps users, rails and products, and helps out everywhere.", set(PERMISSIONS)),
    "manager": (
        "Manager",
        "Runs a branch: everything with members and money, and the close of the day.",
        READ
        | {"members.register", "members.edit", "members.change_status", "savings.open_account"}
        | {"savings.manage_products", "payments.prompt", "payments.allocate"}
        | {"ledger.view", "dayend.run", "audit.view", "messaging.view"},
    ),
    "officer": (
        "Loan officer",
        "Looks after members: registers them, opens accounts, prompts payments.",
        READ | {"members.register", "members.edit", "savings.open_account", "payments.prompt", "messaging.view"},
    ),
    "teller": ("Teller", "Serves members at the counter.", READ | {"payments.prompt"}),
    "accountant": (
        "Accountant",
        "Keeps the books: allocates receipts and closes the day; changes nothing about members.",
        READ | {"payments.allocate", "ledger.view", "dayend.run", "messaging.view"},
    ),
    "auditor": (
        "Auditor",
        "Reads everything and changes nothing.",
        READ | {"ledger.view", "audit.view", "messaging.view"},
    ),
    "agent": (
        "Field agent",
        "Collects in the field: registers members and prompts payments.",
        READ | {"members.register", "payments.prompt"},
    ),
}


def upgrade() -> None:
    _rights()
    _staff()
    _secrets()
    _first_contents()


def downgrade() -> None:
    for table in ("api_token", "sign_in_counter", "staff_session", "staff_role", "staff"):
        op.drop_table(table)
    for table in ("role_permission", "role", "permission"):
        op.drop_table(table)


def _rights() -> None:
    op.create_table(
        "permission",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
    )
    op.create_table(
        "role",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "role_permission",
        sa.Column("role_code", sa.Text, sa.ForeignKey("role.code"), primary_key=True),
        sa.Column("permission_code", sa.Text, sa.ForeignKey("permission.code"), primary_key=True),
    )
    for table in ("permission", "role", "role_permission"):
        grant(table, "select")


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("username", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("branch_id", sa.Integer, sa.ForeignKey("ledger.branch.id"), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("temporary_until", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.CheckConstraint("status IN ('active', 'suspended', 'left')", name="status"),
    )
    grant("staff", "select, insert, update")
    op.create_table(
        "staff_role",
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), primary_key=True),
        sa.Column("role_code", sa.Text, sa.ForeignKey("role.code"), primary_key=True),
    )
    grant("staff_role", "select, insert, delete")


def _secrets() -> None:
    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("browser", sa.Text),
        sa.Column("ended_at", INSTANT),
        sa.Column("end_reason", sa.String(40)),
        sa.CheckConstraint(
            "end_reason IN ('signed_out', 'password_changed', 'access_withdrawn', 'ended_by_administrator')",
            name="end_reason",
        ),
    )
    op.create_index("ix_staff_session_open", "staff_session", ["staff_id"], postgresql_where="ended_at IS NULL")
    grant("staff_session", "select, insert, update, delete")
    op.create_table(
        "sign_in_counter",
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("key_hash", sa.LargeBinary, primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("tried_at", INSTANT, nullable=False),
        sa.Column("locked_until", INSTANT),
        sa.CheckConstraint("kind IN ('username', 'address')", name="kind"),
    )
    op.create_index(op.f("ix_sign_in_counter_tried_at"), "sign_in_counter", ["tried_at"])
    grant("sign_in_counter", "select, insert, update, delete")
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Uuid, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.CheckConstraint("cardinality(scopes) > 0", name="scopes"),
    )
    op.create_index(op.f("ix_api_token_staff_id"), "api_token", ["staff_id"])
    grant("api_token", "select, insert, update")


def _first_contents() -> None:
    permission = sa.table("permission", sa.column("code", sa.Text), sa.column("label", sa.Text))
    op.bulk_insert(permission, [{"code": code, "label": label} for code, label in PERMISSIONS.items()])
    role = sa.table(
        "role",
        sa.column("code", sa.Text),
        sa.column("label", sa.Text),
        sa.column("description", sa.Text),
        sa.column("position", sa.Integer),
    )
    op.bulk_insert(
        role,
        [
            {"code": code, "label": label, "description": description, "position": position}
            for position, (code, (label, description, _)) in enumerate(ROLES.items(), 1)
        ],
    )
    held = sa.table("role_permission", sa.column("role_code", sa.Text), sa.column("permission_code", sa.Text))
    op.bulk_insert(
        held,
        [
            {"role_code": code, "permission_code": permission}
            for code, (_, _, permissions) in ROLES.items()
            for permission in sorted(permissions)
        ],
    )
