"""Administration: the society's details, its calendar, the wording of texts, and doors for branches."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, application_role, grant
from migrations.rights import SOCIETY, add_permission, drop_permission

revision = "2026_11_22_administration"
down_revision = "2026_11_22_fees"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
HERE = Path(__file__).parent.parent / "sql" / revision
DOORS = ("rename_branch(text, text, text)", "close_branch(text, text)")

PERMISSIONS = (
    "settings.view",
    "settings.society",
    "settings.calendar",
    "messaging.word",
    "messaging.approve",
    "ledger.chart",
    "ledger.close_month",
    "ledger.decide",
)


def upgrade() -> None:
    _society()
    _calendar()
    _wording()
    _doors()
    _permissions()


def _society() -> None:
    """One row, made with the installation and changed by the society."""
    op.create_table(
        "society",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("registration_number", sa.Text, nullable=False),
        sa.Column("postal_address", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("btrim(name) <> ''", name="name"),
    )
    op.execute(
        "INSERT INTO society (id, name, registration_number, postal_address, place, phone, email, version)"
        " VALUES (1, 'Pamoja SACCO Society', '', '', '', '', '', 1)"
    )
    grant("society", "select, update")


def _calendar() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("on_date", sa.Date, primary_key=True),
        sa.Column("is_working", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason"),
    )
    grant("calendar_day", "select, insert, delete")


def _wording() -> None:
    """The latest version of a text holds; one without words means the text that Pamoja brings."""
    op.create_table(
        "sms_wording",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column(
            "language",
            sa.Enum("en", "sw", name="language", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("template", "language", "version"),
        sa.CheckConstraint("version > 0", name="version"),
        sa.CheckConstraint("btrim(words) <> ''", name="words"),
    )
    grant("sms_wording", "select, insert")
    append_only("sms_wording")


def _doors() -> None:
    op.get_bind().exec_driver_sql((HERE / "doors.sql").read_text(encoding="utf-8").replace("%", "%%"))
    for door in DOORS:
        op.execute(f"REVOKE ALL ON FUNCTION ledger.{door} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION ledger.{door} TO {application_role()}")


def _permissions() -> None:
    """Whoever words, adds or closes does not decide it: sacco-kenya.md 4.2."""
    readers = ("administrator", "manager", "officer", "teller", "accountant", "auditor")
    add_permission("settings.view", "See settings", dict.fromkeys(readers, SOCIETY))
    add_permission("settings.society", "Change the society's details and branches", {"administrator": SOCIETY})
    add_permission("settings.calendar", "Change the business calendar", {"administrator": SOCIETY, "manager": SOCIETY})
    add_permission("messaging.word", "Propose the wording of texts", {"administrator": SOCIETY, "officer": SOCIETY})
    add_permission("messaging.approve", "Decide the wording of texts", {"administrator": SOCIETY, "manager": SOCIETY})
    add_permission("ledger.chart", "Propose accounts of the chart", {"administrator": SOCIETY, "accountant": SOCIETY})
    add_permission("ledger.close_month", "Propose to close months", {"administrator": SOCIETY, "accountant": SOCIETY})
    add_permission("ledger.decide", "Decide about the chart and months", {"administrator": SOCIETY, "manager": SOCIETY})


def downgrade() -> None:
    for code in PERMISSIONS:
        drop_permission(code)
    for door in DOORS:
        op.execute(f"DROP FUNCTION ledger.{door}")
    for table in ("sms_wording", "calendar_day", "society"):
        op.drop_table(table)
