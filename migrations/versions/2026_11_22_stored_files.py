"""Stored files in encrypted chunks, and exports that become files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant

revision = "2026_11_22_stored_files"
down_revision = "2026_11_22_member_codes"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KINDS = ("jpeg", "png", "webp", "pdf", "csv", "xlsx")
SEALED_AT_MOST = 256 * 1024 + 128
IS_DUE = "due_at IS NOT NULL"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _leased() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    )


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("kind", _one_of("kind", *KINDS), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("received_sha256", sa.LargeBinary, nullable=False),
        sa.Column(
            "state", _one_of("state", "quarantined", "ready", "infected", "unreadable", "deleted"), nullable=False
        ),
        sa.Column("verdict", _one_of("verdict", "ours", "not_scanned", "waiting", "clean", "infected"), nullable=False),
        sa.Column("malware", sa.Text),
        sa.Column("preview", _one_of("preview", "none", "waiting", "ready", "failed"), nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("keep_until", INSTANT),
        sa.Column("held_because", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("deleted_at", INSTANT),
        *_leased(),
        sa.CheckConstraint("size_bytes > 0", name="size"),
        sa.CheckConstraint("octet_length(sha256) = 32 AND octet_length(received_sha256) = 32", name="digests"),
        sa.CheckConstraint("(state = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
        sa.CheckConstraint(
            "NOT (state = 'ready' AND verdict IN ('waiting', 'infected'))", name="only_clean_files_leave"
        ),
    )
    op.create_index("ix_stored_file_due_at", "stored_file", ["due_at"], postgresql_where=sa.text(IS_DUE))
    op.create_index(
        "ix_stored_file_keep_until",
        "stored_file",
        ["keep_until"],
        postgresql_where=sa.text("keep_until IS NOT NULL AND deleted_at IS NULL"),
    )
    grant("stored_file", "select, insert, update")

    op.create_table(
        "stored_file_chunk",
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("stored_file.id"), primary_key=True),
        sa.Column("part", _one_of("part", "content", "preview", "thumbnail"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(f"octet_length(sealed) <= {SEALED_AT_MOST}", name="size"),
    )
    # What is encrypted cannot be compressed; stored as it is, the key's id can be read without the rest.
    op.execute("ALTER TABLE stored_file_chunk ALTER COLUMN sealed SET STORAGE EXTERNAL")
    grant("stored_file_chunk", "select, insert, update, delete")

    op.create_table(
        "export_job",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("exporter", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("kind", _one_of("kind", *KINDS), nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("actor", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", _one_of("state", "waiting", "running", "ready", "failed"), nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("rows_done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rows_expected", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text),
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("stored_file.id"), unique=True),
        sa.Column("ended_at", INSTANT),
        *_leased(),
        sa.CheckConstraint("(state = 'ready') = (file_id IS NOT NULL)", name="file"),
    )
    op.create_index("ix_export_job_due_at", "export_job", ["due_at"], postgresql_where=sa.text(IS_DUE))
    op.create_index("ix_export_job_asked_by", "export_job", ["asked_by", "asked_at", "id"])
    grant("export_job", "select, insert, update")


def downgrade() -> None:
    op.drop_table("export_job")
    op.drop_table("stored_file_chunk")
    op.drop_table("stored_file")
