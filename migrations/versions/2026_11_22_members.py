"""Members: the register, phones, next of kin and the history of status; search by name, phone and ID."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, application_role, grant

revision = "2026_11_22_members"
down_revision = "2026_11_22_messaging"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATUSES = ("active", "dormant", "suspended", "exit_notice", "exited", "deceased")

# Lower case, without accents, apostrophes, hyphens and what LIKE would read as a pattern; see app/members/rules.py.
SEARCH_NAME = (
    "' ' || translate(lower(first_name || ' ' || coalesce(middle_name || ' ', '') || last_name), "
    "'áàâãäåéèêëíìîïĩóòôõöúùûüũñçýÿ''’‘`ʼ.,-_%\\', 'aaaaaaeeeeiiiiiooooouuuuuncyy')"
)
NOT_ENDED = sa.text("status <> 'exited'")
IN_USE = sa.text("ended_at IS NULL")
PAYS_NOW = sa.text("purpose = 'payment' AND ended_at IS NULL")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE member_number_seq")
    op.execute(f"GRANT USAGE ON SEQUENCE member_number_seq TO {application_role()}")
    _members()
    _phones()
    _next_of_kin()
    _status_changes()


def _members() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("middle_name", sa.Text),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("search_name", sa.Text, sa.Computed(SEARCH_NAME, persisted=True), nullable=False),
        sa.Column("national_id", sa.LargeBinary, nullable=False),
        sa.Column("national_id_hash", sa.LargeBinary, nullable=False),
        sa.Column("kra_pin", sa.LargeBinary),
        sa.Column("kra_pin_hash", sa.LargeBinary),
        sa.Column("born_on", sa.Date, nullable=False),
        sa.Column("gender", _one_of("gender", "female", "male", "intersex"), nullable=False),
        sa.Column("language", _one_of("language", "en", "sw"), nullable=False),
        sa.Column("branch_id", sa.Integer, sa.ForeignKey("ledger.branch.id"), nullable=False),
        sa.Column("officer_id", sa.Uuid, sa.ForeignKey("staff.id")),
        sa.Column("employer", sa.Text),
        sa.Column("joined_on", sa.Date, nullable=False),
        sa.Column("status", _one_of("status", *STATUSES), nullable=False),
        sa.Column("former_membership_id", sa.Uuid, sa.ForeignKey("member.id")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.UniqueConstraint("number"),
        sa.CheckConstraint("number ~ '^M[0-9]{6,}$'", name="number"),
        sa.CheckConstraint("btrim(first_name) <> '' AND btrim(last_name) <> ''", name="names"),
    )
    for column in ("national_id_hash", "kra_pin_hash"):
        op.create_index(f"uq_member_{column}", "member", [column], unique=True, postgresql_where=NOT_ENDED)
    op.create_index("ix_member_national_id_hash", "member", ["national_id_hash"])
    op.create_index(
        "ix_member_kra_pin_hash", "member", ["kra_pin_hash"], postgresql_where=sa.text("kra_pin_hash IS NOT NULL")
    )
    op.create_index(
        "ix_member_search_name",
        "member",
        ["search_name"],
        postgresql_using="gin",
        postgresql_ops={"search_name": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_member_branch_id_number", "member", ["branch_id", "number"])
    op.create_index("ix_member_status_number", "member", ["status", "number"])
    op.create_index("ix_member_officer_id_number", "member", ["officer_id", "number"])
    op.create_index("ix_member_joined_on", "member", ["joined_on"])
    grant("member", "select, insert, update")


def _phones() -> None:
    op.create_table(
        "member_phone",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("purpose", _one_of("purpose", "payment", "contact"), nullable=False),
        sa.Column("phone", sa.LargeBinary, nullable=False),
        sa.Column("number_hash", sa.LargeBinary, nullable=False),
        sa.Column("last_four_hash", sa.LargeBinary, nullable=False),
        sa.Column("last_six_hash", sa.LargeBinary, nullable=False),
        sa.Column("digest_hash", sa.LargeBinary, nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.Text),
    )
    op.create_index("ix_member_phone_member_id", "member_phone", ["member_id"])
    for column in ("member_id", "number_hash"):
        op.create_index(
            f"uq_member_phone_payment_{column}", "member_phone", [column], unique=True, postgresql_where=PAYS_NOW
        )
    for column in ("number_hash", "last_four_hash", "last_six_hash", "digest_hash"):
        op.create_index(f"ix_member_phone_{column}", "member_phone", [column], postgresql_where=IN_USE)
    grant("member_phone", "select, insert, update")


def _next_of_kin() -> None:
    op.create_table(
        "next_of_kin",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column(
            "relationship",
            _one_of("relationship", "spouse", "child", "parent", "sibling", "relative", "friend"),
            nullable=False,
        ),
        sa.Column("phone", sa.LargeBinary),
        sa.Column("share_percent", sa.Numeric(5, 2)),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.Text),
        sa.CheckConstraint("share_percent > 0 AND share_percent <= 100", name="share_percent"),
    )
    op.create_index("ix_next_of_kin_member_id", "next_of_kin", ["member_id"])
    grant("next_of_kin", "select, insert, update")


def _status_changes() -> None:
    op.create_table(
        "member_status_change",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("member_id", sa.Uuid, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("from_status", _one_of("from_status", *STATUSES)),
        sa.Column("to_status", _one_of("to_status", *STATUSES), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed_on", sa.Date, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason"),
    )
    op.create_index("ix_member_status_change_member_id", "member_status_change", ["member_id"])
    grant("member_status_change", "select, insert")
    append_only("member_status_change")


def downgrade() -> None:
    for table in ("member_status_change", "next_of_kin", "member_phone", "member"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE member_number_seq")
