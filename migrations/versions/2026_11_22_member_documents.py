"""Members' documents and photos, and who may see, add and verify them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import grant
from migrations.rights import BRANCH, OWN, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_member_documents"
down_revision = "2026_11_22_stored_files"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KINDS = ("id_front", "id_back", "kra_pin", "photo", "signature", "payslip", "other")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "member_document",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("kind", _one_of("kind", *KINDS), nullable=False),
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("stored_file.id"), nullable=False, unique=True),
        sa.Column("note", sa.Text),
        sa.Column("replaces_id", sa.Uuid, sa.ForeignKey("member_document.id"), unique=True),
        sa.Column("added_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.Column("verified_by", sa.Text),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.Text),
        sa.Column("end_reason", sa.Text),
        sa.CheckConstraint("verified_by <> added_by", name="second_person"),
        sa.CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verified"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)", name="ended"
        ),
    )
    op.create_index("ix_member_document_member_id", "member_document", ["member_id", "added_at"])
    op.create_index(
        "uq_member_document_standing",
        "member_document",
        ["member_id", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND kind NOT IN ('payslip', 'other')"),
    )
    grant("member_document", "select, insert, update")

    add_permission(
        "members.view_documents",
        "See members' documents",
        {
            "administrator": SOCIETY,
            "manager": BRANCH,
            "officer": BRANCH,
            "teller": BRANCH,
            "auditor": SOCIETY,
            "agent": OWN,
        },
    )
    add_permission(
        "members.add_documents",
        "Add, replace and remove members' documents",
        {"administrator": SOCIETY, "manager": BRANCH, "officer": BRANCH, "agent": OWN},
    )
    add_permission(
        "members.verify_documents",
        "Verify documents that somebody else added",
        {"administrator": SOCIETY, "manager": BRANCH, "officer": BRANCH},
    )


def downgrade() -> None:
    for code in ("members.verify_documents", "members.add_documents", "members.view_documents"):
        drop_permission(code)
    op.drop_table("member_document")
