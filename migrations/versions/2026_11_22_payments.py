"""Payments, their allocations and moves, the addresses given to providers, and the inbox of callbacks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.grants import append_only, grant

revision = "2026_11_22_payments"
down_revision = "2026_11_22_members"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATES = (
    *("created", "submitted", "pending", "paid", "unknown"),
    *("succeeded", "settled", "reversed", "failed", "cancelled", "expired"),
)


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def key() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()"))


def lease() -> list[sa.Column[object]]:
    return [
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    ]


def upgrade() -> None:
    _payment()
    _allocation()
    _move()
    _callbacks()


def _payment() -> None:
    op.create_table(
        "payment",
        key(),
        sa.Column("direction", one_of("direction", "in", "out"), nullable=False),
        sa.Column("rail", sa.Text, nullable=False),
        sa.Column("method", one_of("method", "prompt", "paybill"), nullable=False),
        sa.Column("amount_cents", sa.BigInteger, sa.CheckConstraint("amount_cents > 0", name="amount"), nullable=False),
        sa.Column("state", one_of("state", *STATES), nullable=False),
        sa.Column("state_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT),
        sa.Column("resend_at", INSTANT),
        sa.Column("sendings", sa.Integer, nullable=False, server_default="0"),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id")),
        sa.Column("phone_encrypted", sa.LargeBinary),
        sa.Column("phone_hash", sa.LargeBinary),
        sa.Column("payer_encrypted", sa.LargeBinary),
        sa.Column("account_reference", sa.Text, nullable=False),
        sa.Column("receipt_number", sa.Text),
        sa.Column("paid_at", INSTANT),
        sa.Column("clearing_account", sa.Text),
        sa.Column("code", sa.Text),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("needs_review", sa.Text),
        sa.Column("merged_into_id", sa.Uuid, sa.ForeignKey("payment.id")),
        sa.Column("requested_by", JSONB, nullable=False),
        *lease(),
        sa.UniqueConstraint("rail", "receipt_number"),
    )
    op.create_index("ix_payment_member_id_created_at", "payment", ["member_id", "created_at", "id"])
    op.create_index("ix_payment_created_at", "payment", ["created_at", "id"], postgresql_where="merged_into_id IS NULL")
    op.create_index("ix_payment_state_created_at", "payment", ["state", "created_at", "id"])
    op.create_index("ix_payment_due_at", "payment", ["due_at"], postgresql_where="due_at IS NOT NULL")
    op.create_index("ix_payment_paid_at", "payment", ["paid_at"])
    op.create_index(
        "uq_payment_open_prompt",
        "payment",
        ["rail", "phone_hash"],
        unique=True,
        postgresql_where="direction = 'in' AND method = 'prompt' AND state IN ('created', 'submitted', 'pending')",
    )
    op.create_index("ix_payment_needs_review", "payment", ["created_at"], postgresql_where="needs_review IS NOT NULL")
    grant("payment", "select, insert, update")


def _allocation() -> None:
    op.create_table(
        "payment_allocation",
        key(),
        sa.Column("payment_id", sa.Uuid, sa.ForeignKey("payment.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column(
            "purpose", one_of("purpose", "SAVINGS_DEPOSIT", "SHARE_PURCHASE", "LOAN_REPAYMENT", "REGISTRATION_FEE")
        ),
        sa.Column("member_account_id", sa.BigInteger, sa.ForeignKey("ledger.member_account.id")),
        sa.Column("account_label", sa.Text, nullable=False, server_default=""),
        sa.Column("amount_cents", sa.BigInteger, sa.CheckConstraint("amount_cents > 0", name="amount"), nullable=False),
        sa.Column("state", one_of("state", "intended", "posted", "suspense", "moved", "replaced"), nullable=False),
        sa.Column("entry_id", sa.BigInteger, sa.ForeignKey("ledger.entry.id")),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("payment_id", "number"),
        sa.CheckConstraint("(state IN ('posted', 'suspense')) <= (entry_id IS NOT NULL)", name="entry"),
    )
    op.create_index(
        "ix_payment_allocation_suspense", "payment_allocation", ["id"], postgresql_where="state = 'suspense'"
    )
    op.create_index("ix_payment_allocation_member_account_id", "payment_allocation", ["member_account_id"])
    grant("payment_allocation", "select, insert, update")


def _move() -> None:
    op.create_table(
        "payment_move",
        key(),
        sa.Column("payment_id", sa.Uuid, sa.ForeignKey("payment.id"), nullable=False),
        sa.Column("from_state", one_of("from_state", *STATES)),
        sa.Column("to_state", one_of("to_state", *STATES), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", JSONB, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
    )
    op.create_index("ix_payment_move_payment_id", "payment_move", ["payment_id", "id"])
    grant("payment_move", "select, insert")
    append_only("payment_move")


def _callbacks() -> None:
    op.create_table(
        "hook_address",
        sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
        sa.Column("rail", sa.Text, nullable=False),
        sa.Column("flows", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    grant("hook_address", "select, insert")
    op.create_table(
        "payment_callback",
        key(),
        sa.Column("rail", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text),
        sa.Column("body_encrypted", sa.LargeBinary, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("source_address", sa.Text, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    op.create_index("ix_payment_callback_subject_id", "payment_callback", ["subject_id", "received_at"])
    grant("payment_callback", "select, insert")
    append_only("payment_callback")
    op.create_table(
        "callback_work",
        sa.Column("callback_id", sa.Uuid, sa.ForeignKey("payment_callback.id"), primary_key=True),
        sa.Column("outcome", one_of("outcome", "waiting", "applied", "repeated", "flagged", "failed"), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        *lease(),
    )
    op.create_index("ix_callback_work_due_at", "callback_work", ["due_at"], postgresql_where="due_at IS NOT NULL")
    op.create_index(
        "ix_callback_work_flagged",
        "callback_work",
        ["callback_id"],
        postgresql_where="outcome IN ('flagged', 'failed')",
    )
    grant("callback_work", "select, insert, update")


def downgrade() -> None:
    for table in (
        "callback_work",
        "payment_callback",
        "hook_address",
        "payment_move",
        "payment_allocation",
        "payment",
    ):
        op.drop_table(table)
