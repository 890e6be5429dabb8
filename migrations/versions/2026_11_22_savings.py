"""Savings: products, their dated terms, and members' accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, application_role, grant

revision = "2026_11_22_savings"
down_revision = "2026_11_22_mpesa"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE savings_account_number_seq")
    op.execute(f"GRANT USAGE ON SEQUENCE savings_account_number_seq TO {application_role()}")
    _products()
    _terms()
    _accounts()


def _products() -> None:
    op.create_table(
        "savings_product",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("control_account", sa.Text, sa.ForeignKey("ledger.ledger_account.code"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("is_withdrawable", sa.Boolean, nullable=False),
        sa.Column("allows_several", sa.Boolean, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("name"),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9-]{1,19}$'", name="code"),
        sa.CheckConstraint("btrim(name) <> ''", name="name"),
        sa.CheckConstraint("currency = 'KES'", name="currency"),
    )
    grant("savings_product", "select, insert, update")


def _terms() -> None:
    op.create_table(
        "savings_product_terms",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("product_id", sa.Uuid, sa.ForeignKey("savings_product.id"), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("minimum_deposit_cents", sa.BigInteger, nullable=False),
        sa.Column("minimum_balance_cents", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("product_id", "starts_on"),
        sa.CheckConstraint("minimum_deposit_cents >= 0", name="minimum_deposit"),
        sa.CheckConstraint("minimum_balance_cents >= 0", name="minimum_balance"),
        sa.CheckConstraint("btrim(decision) <> ''", name="decision"),
    )
    grant("savings_product_terms", "select, insert")
    append_only("savings_product_terms")


def _accounts() -> None:
    op.create_table(
        "savings_account",
        sa.Column(
            "id", sa.BigInteger, sa.ForeignKey("ledger.member_account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("product_id", sa.Uuid, sa.ForeignKey("savings_product.id"), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "closed", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("is_normal", sa.Boolean, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("closed_on", sa.Date),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.UniqueConstraint("number"),
        sa.CheckConstraint("number ~ '^SV-[0-9]{6,}$'", name="number"),
        sa.CheckConstraint("(status = 'closed') = (closed_on IS NOT NULL)", name="closed_on"),
        sa.CheckConstraint("NOT (is_normal AND status = 'closed')", name="normal_is_open"),
    )
    op.create_index(
        "uq_savings_account_normal",
        "savings_account",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("is_normal"),
    )
    op.create_index("ix_savings_account_member_id", "savings_account", ["member_id"])
    op.create_index("ix_savings_account_product_id", "savings_account", ["product_id"])
    grant("savings_account", "select, insert, update")


def downgrade() -> None:
    for table in ("savings_account", "savings_product_terms", "savings_product"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE savings_account_number_seq")
