"""Fees: dated tariffs and excise rates, what was charged, and what members owe."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, grant
from migrations.rights import BRANCH, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_fees"
down_revision = "2026_11_22_webhooks"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PERCENT = sa.Numeric(7, 4)

EVENTS = (
    "registration", "withdrawal", "transfer", "sms", "statement", "cheque", "standing_order", "salary",
    "account_closing", "share_transfer", "exit", "loan_processing", "dividend_payout",
)  # fmt: skip
BEARERS = ("member", "included", "society")
EXCISE_KINDS = ("none", "other_fees", "money_transfer")

# sacco-kenya.md 1.12. The Finance Act 2023 began on 1 July 2023; earlier rates are of no use to books that begin later.
EXCISE_RATES = (
    ("other_fees", "20", "Excise Duty Act 2015, First Schedule, other fees of financial institutions"),
    ("money_transfer", "15", "Excise Duty Act 2015, First Schedule, as amended by the Finance Act 2023"),
)

PERMISSIONS = ("fees.view", "fees.manage", "fees.approve", "fees.charge")


def upgrade() -> None:
    _tariffs()
    _excise()
    _charged()
    _owed()
    _permissions()


def _tariffs() -> None:
    op.create_table(
        "fee_tariff",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("event", _one_of("event", EVENTS), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("basis", _one_of("basis", ("flat", "percent", "bands")), nullable=False),
        sa.Column("flat_cents", sa.BigInteger, nullable=False),
        sa.Column("percent", PERCENT, nullable=False),
        sa.Column("minimum_cents", sa.BigInteger),
        sa.Column("maximum_cents", sa.BigInteger),
        sa.Column("borne_by", _one_of("borne_by", BEARERS), nullable=False),
        sa.Column("income_account", sa.Text, sa.ForeignKey("ledger.ledger_account.code"), nullable=False),
        sa.Column("expense_account", sa.Text, sa.ForeignKey("ledger.ledger_account.code")),
        sa.Column("excise_kind", _one_of("excise_kind", EXCISE_KINDS), nullable=False),
        sa.Column("excise_included", sa.Boolean, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("event", "starts_on"),
        sa.CheckConstraint("flat_cents >= 0", name="flat"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        sa.CheckConstraint("minimum_cents >= 0", name="minimum"),
        sa.CheckConstraint("maximum_cents >= coalesce(minimum_cents, 0)", name="maximum"),
        sa.CheckConstraint("(borne_by = 'society') = (expense_account IS NOT NULL)", name="expense_account"),
        sa.CheckConstraint("btrim(decision) <> ''", name="decision"),
    )
    op.create_table(
        "fee_tariff_band",
        sa.Column("tariff_id", sa.Uuid, sa.ForeignKey("fee_tariff.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("up_to_cents", sa.BigInteger),
        sa.Column("fee_cents", sa.BigInteger, nullable=False),
        sa.CheckConstraint("up_to_cents > 0", name="up_to"),
        sa.CheckConstraint("fee_cents >= 0", name="fee"),
    )
    for table in ("fee_tariff", "fee_tariff_band"):
        grant(table, "select, insert")
        append_only(table)


def _excise() -> None:
    rates = op.create_table(
        "excise_rate",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("kind", _one_of("kind", EXCISE_KINDS), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("percent", PERCENT, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "starts_on"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        sa.CheckConstraint("btrim(source) <> ''", name="source"),
    )
    op.execute(
        rates.insert().from_select(
            ["kind", "starts_on", "percent", "source", "created_by"],
            sa.union_all(
                *(
                    sa.select(
                        sa.literal(kind),
                        sa.text("date '2023-07-01'"),
                        sa.text(f"{percent}::numeric"),
                        sa.literal(source),
                        sa.literal("system:migration"),
                    )
                    for kind, percent, source in EXCISE_RATES
                )
            ),
        )
    )
    grant("excise_rate", "select, insert")
    append_only("excise_rate")


def _charged() -> None:
    op.create_table(
        "fee_charged",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("tariff_id", sa.Uuid, sa.ForeignKey("fee_tariff.id"), nullable=False),
        sa.Column("event", _one_of("event", EVENTS), nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("fee_cents", sa.BigInteger, nullable=False),
        sa.Column("excise_cents", sa.BigInteger, nullable=False),
        sa.Column("borne_by", _one_of("borne_by", BEARERS), nullable=False),
        sa.Column("charged_on", sa.Date, nullable=False),
        sa.Column("entry_id", sa.BigInteger, sa.ForeignKey("ledger.entry.id"), nullable=False),
        sa.Column("cause_type", sa.Text, nullable=False),
        sa.Column("cause_id", sa.Text, nullable=False),
        sa.Column("member_account_id", sa.BigInteger, sa.ForeignKey("ledger.member_account.id")),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("fee_cents >= 0 AND excise_cents >= 0 AND fee_cents + excise_cents > 0", name="amounts"),
    )
    op.create_index("ix_fee_charged_entry_id", "fee_charged", ["entry_id"])
    op.create_index("ix_fee_charged_cause", "fee_charged", ["cause_type", "cause_id"])
    op.create_index("ix_fee_charged_tariff_id", "fee_charged", ["tariff_id"])
    grant("fee_charged", "select, insert")
    append_only("fee_charged")


def _owed() -> None:
    """A member may owe fees: a new kind of member account, and a control account for what is receivable."""
    op.execute("ALTER TABLE ledger.member_account DROP CONSTRAINT ck_member_account_kind")
    op.execute(
        "ALTER TABLE ledger.member_account ADD CONSTRAINT ck_member_account_kind"
        " CHECK (kind IN ('savings', 'shares', 'loan', 'fees'))"
    )
    op.execute(
        "SELECT ledger.add_ledger_account('1245', 'Fees receivable from members', 'asset', true, false, 'F6 2.0',"
        " 'system:migration') WHERE NOT EXISTS (SELECT FROM ledger.ledger_account WHERE code = '1245')"
    )
    op.create_table(
        "member_fee_account",
        sa.Column(
            "id", sa.BigInteger, sa.ForeignKey("ledger.member_account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("member_id"),
        sa.CheckConstraint("number ~ '^RF-[A-Z0-9-]+$'", name="number"),
    )
    grant("member_fee_account", "select, insert")


def _permissions() -> None:
    """Whoever asks for a new tariff does not decide it: sacco-kenya.md 4.2, rates and fees."""
    everybody = ("administrator", "manager", "officer", "teller", "accountant", "auditor", "agent")
    add_permission("fees.view", "See fees", dict.fromkeys(everybody, SOCIETY))
    add_permission("fees.manage", "Propose fees", {"administrator": SOCIETY, "accountant": SOCIETY})
    add_permission("fees.approve", "Decide about fees", {"administrator": SOCIETY, "manager": SOCIETY})
    add_permission(
        "fees.charge", "Charge members fees", {"administrator": SOCIETY, "manager": BRANCH, "officer": BRANCH}
    )


def _one_of(name: str, values: Sequence[str]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def downgrade() -> None:
    for code in PERMISSIONS:
        drop_permission(code)
    for table in ("member_fee_account", "fee_charged", "excise_rate", "fee_tariff_band", "fee_tariff"):
        op.drop_table(table)
