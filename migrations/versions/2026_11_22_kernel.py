"""Ground: extensions, the wrapped hash key, idempotency keys, schedule slots, and the trigger that refuses change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.grants import application_role, grant

revision = "2026_11_22_kernel"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {application_role()}")
    op.execute(f"GRANT SELECT ON alembic_version TO {application_role()}")
    op.execute(
        """
        CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of % is refused: what is written there stays', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION public.refuse_change() FROM PUBLIC")
    op.create_table(
        "wrapped_key",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    )
    grant("wrapped_key", "select, insert, update")
    op.create_table(
        "idempotency_key",
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("operation", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("inputs_hash", sa.LargeBinary, nullable=False),
        sa.Column("answer", JSONB),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"])
    grant("idempotency_key", "select, insert, update, delete")
    op.create_table(
        "schedule_slot",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("slot_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.UniqueConstraint("job", "slot_at"),
    )
    op.create_index("ix_schedule_slot_due_at", "schedule_slot", ["due_at"], postgresql_where="due_at IS NOT NULL")
    grant("schedule_slot", "select, insert, update, delete")


def downgrade() -> None:
    for table in ("schedule_slot", "idempotency_key", "wrapped_key"):
        op.drop_table(table)
    op.execute("DROP FUNCTION public.refuse_change()")
