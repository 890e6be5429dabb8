"""M-PESA: settings, limits, prompts, receipts, confirmations, tokens, errands and pulls."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from migrations.grants import grant

revision = "2026_11_22_mpesa"
down_revision = "2026_11_22_payments"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

C2B_RESPONSES = ("Completed", "Cancelled")
C2B_VERSIONS = ("v1", "v2")
VALIDATIONS = ("accept_all", "known_accounts")
CHANNELS = ("callback", "confirmation", "pull")
ERRAND_KINDS = ("connection_test", "c2b_register", "pull_register")
ERRAND_STATES = ("waiting", "done", "refused", "unanswered")


def upgrade() -> None:
    _settings()
    _prompts()
    _receipts()
    _work()


def _labelled(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _key() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()"))


def _lease() -> list[sa.Column[object]]:
    return [
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    ]


def _settings() -> None:
    op.create_table(
        "mpesa_configuration",
        _key(),
        sa.Column("shortcode", sa.Text, nullable=False, unique=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("till_number", sa.Text),
        sa.Column("api_url", sa.Text),
        sa.Column("callback_url", sa.Text),
        sa.Column("consumer_key_encrypted", sa.LargeBinary),
        sa.Column("consumer_secret_encrypted", sa.LargeBinary),
        sa.Column("passkey_encrypted", sa.LargeBinary),
        sa.Column("initiator", sa.Text),
        sa.Column("security_credential_encrypted", sa.LargeBinary),
        sa.Column("security_credential_at", INSTANT),
        sa.Column("response_type", _labelled(C2B_RESPONSES, "response_type"), nullable=False),
        sa.Column("c2b_version", _labelled(C2B_VERSIONS, "c2b_version"), nullable=False),
        sa.Column("validation", _labelled(VALIDATIONS, "validation"), nullable=False),
        sa.Column("pull_phone_encrypted", sa.LargeBinary),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    )
    op.create_index(
        "uq_mpesa_configuration_current",
        "mpesa_configuration",
        ["is_current"],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    grant("mpesa_configuration", "select, insert, update")
    limit = op.create_table(
        "mpesa_limit",
        sa.Column("starts_on", sa.Date, primary_key=True),
        sa.Column("minimum_cents", sa.BigInteger, nullable=False),
        sa.Column("maximum_cents", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.CheckConstraint("0 < minimum_cents AND minimum_cents <= maximum_cents", name="order"),
    )
    op.bulk_insert(
        limit,
        [
            {
                "starts_on": datetime.date(2023, 8, 15),
                "minimum_cents": 100,
                "maximum_cents": 25_000_000,
                "source": "Central Bank of Kenya, effective 15 August 2023",
            }
        ],
    )
    grant("mpesa_limit", "select, insert")


def _prompts() -> None:
    op.create_table(
        "stk_push_request",
        _key(),
        sa.Column("payment_id", sa.Uuid, sa.ForeignKey("payment.id"), nullable=False, unique=True),
        sa.Column("shortcode", sa.Text, nullable=False),
        sa.Column("phone_encrypted", sa.LargeBinary, nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("account_reference", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("merchant_request_id", sa.Text),
        sa.Column("checkout_request_id_encrypted", sa.LargeBinary),
        sa.Column("checkout_request_hash", sa.LargeBinary, unique=True),
        sa.Column("request_encrypted", sa.LargeBinary),
        sa.Column("acknowledgement_encrypted", sa.LargeBinary),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("query_answer_encrypted", sa.LargeBinary),
        sa.Column("queried_at", INSTANT),
        sa.Column("queries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("result_code", sa.Text),
        sa.Column("result_description", sa.Text),
        sa.Column("result_at", INSTANT),
        sa.Column("hinted_at", INSTANT),
    )
    op.create_index(
        "ix_stk_push_request_match",
        "stk_push_request",
        ["shortcode", "account_reference", "amount_cents", "created_at"],
    )
    grant("stk_push_request", "select, insert, update")


def _receipts() -> None:
    op.create_table(
        "mpesa_transaction",
        _key(),
        sa.Column("receipt_number", sa.Text, nullable=False, unique=True),
        sa.Column("shortcode", sa.Text, nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("paid_at", INSTANT, nullable=False),
        sa.Column("payer_seen_encrypted", sa.LargeBinary, nullable=False),
        sa.Column("payer_hash", sa.LargeBinary),
        sa.Column("payer_name_encrypted", sa.LargeBinary),
        sa.Column("account_text_encrypted", sa.LargeBinary, nullable=False),
        sa.Column("first_channel", _labelled(CHANNELS, "first_channel"), nullable=False),
        sa.Column("channels", ARRAY(sa.Text), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("payment_id", sa.Uuid, sa.ForeignKey("payment.id")),
        sa.Column("differs", sa.Text),
        sa.CheckConstraint("amount_cents > 0", name="amount"),
    )
    for column in ("payment_id", "paid_at", "payer_hash"):
        op.create_index(op.f(f"ix_mpesa_transaction_{column}"), "mpesa_transaction", [column])
    grant("mpesa_transaction", "select, insert, update")
    op.create_table(
        "c2b_transaction",
        _key(),
        sa.Column("transaction_id", sa.Uuid, sa.ForeignKey("mpesa_transaction.id"), nullable=False, unique=True),
        sa.Column("callback_id", sa.Uuid, sa.ForeignKey("payment_callback.id"), nullable=False),
        sa.Column("transaction_type", sa.Text, nullable=False),
        sa.Column("third_party_id", sa.Text, nullable=False),
        sa.Column("balance_after_cents", sa.BigInteger),
        sa.Column("confirmed_at", INSTANT, nullable=False),
    )
    grant("c2b_transaction", "select, insert")


def _work() -> None:
    op.create_table(
        "mpesa_token",
        sa.Column("key_hash", sa.LargeBinary, primary_key=True),
        sa.Column("token_encrypted", sa.LargeBinary),
        sa.Column("good_until", INSTANT),
        sa.Column("fetched_at", INSTANT),
        sa.Column("fetches", sa.Integer, nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text),
        *_lease(),
    )
    grant("mpesa_token", "select, insert, update")
    op.create_table(
        "mpesa_errand",
        _key(),
        sa.Column("kind", _labelled(ERRAND_KINDS, "kind"), nullable=False),
        sa.Column("state", _labelled(ERRAND_STATES, "state"), nullable=False),
        sa.Column("shortcode", sa.Text, nullable=False),
        sa.Column("response_type", sa.Text),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", JSONB, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("answered_at", INSTANT),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        *_lease(),
    )
    op.create_index("ix_mpesa_errand_kind_asked_at", "mpesa_errand", ["kind", "asked_at"])
    op.create_index(
        "ix_mpesa_errand_due_at", "mpesa_errand", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    grant("mpesa_errand", "select, insert, update")
    op.create_table(
        "mpesa_pull",
        sa.Column("shortcode", sa.Text, primary_key=True),
        sa.Column("wanted_since", INSTANT),
        sa.Column("reading_since", INSTANT),
        sa.Column("complete_until", INSTANT),
        sa.Column("pulled_at", INSTANT),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        *_lease(),
    )
    op.create_index("ix_mpesa_pull_due_at", "mpesa_pull", ["due_at"], postgresql_where="due_at IS NOT NULL")
    grant("mpesa_pull", "select, insert, update")


def downgrade() -> None:
    for table in (
        "mpesa_pull",
        "mpesa_errand",
        "mpesa_token",
        "c2b_transaction",
        "mpesa_transaction",
        "stk_push_request",
        "mpesa_limit",
        "mpesa_configuration",
    ):
        op.drop_table(table)
