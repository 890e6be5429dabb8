"""Approvals: stored commands that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.grants import append_only, grant
from migrations.rights import BRANCH, SOCIETY, add_permission, drop_permission

revision = "2026_11_22_approvals"
down_revision = "2026_11_22_second_factor"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

LIMIT_OF_A_MANAGER = 1_000_000_00  # cents; above it an administrator decides, until the board says otherwise

PERMISSIONS = (
    ("approvals.view", "See everything that waits for a decision or was decided",
     {"administrator": SOCIETY, "manager": BRANCH, "accountant": SOCIETY, "auditor": SOCIETY}, {}),
    ("approvals.set_rules", "Ask for a change in how many people decide",
     {"administrator": SOCIETY, "manager": SOCIETY}, {}),
    ("approvals.approve_rules", "Decide about changes in how many people decide",
     {"administrator": SOCIETY, "manager": SOCIETY}, {}),
    ("ledger.journal", "Ask for a manual journal",
     {"administrator": SOCIETY, "manager": SOCIETY, "accountant": SOCIETY}, {}),
    ("ledger.reverse", "Ask for the reversal of an entry",
     {"administrator": SOCIETY, "manager": SOCIETY, "accountant": SOCIETY}, {}),
    ("ledger.approve", "Decide about journals and reversals",
     {"administrator": SOCIETY, "manager": SOCIETY}, {"manager": LIMIT_OF_A_MANAGER}),
    ("savings.approve_products", "Decide about savings products and their terms",
     {"administrator": SOCIETY, "manager": SOCIETY}, {}),
)  # fmt: skip


def upgrade() -> None:
    _approvals()
    _decisions()
    _remarks()
    _rules()
    _delegations()
    for code, label, holders, limits in PERMISSIONS:
        add_permission(code, label, holders, limits_cents=limits)


def downgrade() -> None:
    for code, *_ in PERMISSIONS:
        drop_permission(code)
    for table in ("approval_delegation", "approval_rule", "approval_remark", "approval_decision", "approval"):
        op.drop_table(table)
    op.execute("DROP FUNCTION public.hold_approval_to_its_word()")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()"))


def _approvals() -> None:
    op.create_table(
        "approval",
        _id(),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("title", sa.LargeBinary, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("inputs_hash", sa.LargeBinary, nullable=False),
        sa.Column("asked_effect", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("subject_type", sa.Text),
        sa.Column("subject_id", sa.Text),
        sa.Column("branch_id", sa.Integer, sa.ForeignKey("ledger.branch.id")),
        sa.Column("officer_id", sa.Uuid),
        sa.Column("agent_id", sa.Uuid),
        sa.Column("amount_cents", sa.BigInteger),
        sa.Column("persons", sa.Integer, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("decided_by", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("id", "maker"),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'refused', 'withdrawn', 'expired')", name="state"),
        sa.CheckConstraint("decided_by <> maker", name="two_people"),
        sa.CheckConstraint("octet_length(inputs_hash) = 32", name="inputs_hash"),
        sa.CheckConstraint("persons BETWEEN 0 AND 2", name="persons"),
        sa.CheckConstraint("amount_cents >= 0", name="amount"),
        sa.CheckConstraint("(subject_type IS NULL) = (subject_id IS NULL)", name="subject"),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("state <> 'approved' OR persons = 0 OR decided_by IS NOT NULL", name="approved_by_somebody"),
        sa.CheckConstraint("state <> 'refused' OR decided_by IS NOT NULL", name="refused_by_somebody"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_approval_waiting", "approval", ["id"], postgresql_where=waiting)
    op.create_index("ix_approval_expires_at", "approval", ["expires_at"], postgresql_where=waiting)
    op.create_index("ix_approval_maker", "approval", ["maker", "id"])
    op.create_index(
        "ix_approval_subject",
        "approval",
        ["subject_type", "subject_id"],
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )
    grant("approval", "select, insert, update")
    _hold_to_its_word()


def _hold_to_its_word() -> None:
    """What was asked never becomes something else, and an end is an end, whoever writes.

    The encrypted columns may be written again, under a newer key; the hash of the inputs may not.
    """
    op.execute("""
        CREATE FUNCTION public.hold_approval_to_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (NEW.id, NEW.command, NEW.inputs_hash, NEW.maker, NEW.persons, NEW.asked_at, NEW.expires_at)
               IS DISTINCT FROM
               (OLD.id, OLD.command, OLD.inputs_hash, OLD.maker, OLD.persons, OLD.asked_at, OLD.expires_at)
               OR (NEW.subject_type, NEW.subject_id, NEW.branch_id, NEW.officer_id, NEW.agent_id, NEW.amount_cents)
               IS DISTINCT FROM
               (OLD.subject_type, OLD.subject_id, OLD.branch_id, OLD.officer_id, OLD.agent_id, OLD.amount_cents)
               OR (OLD.state <> 'waiting'
                   AND (NEW.state, NEW.ended_at, NEW.decided_by, NEW.result)
                   IS DISTINCT FROM (OLD.state, OLD.ended_at, OLD.decided_by, OLD.result))
            THEN
                RAISE insufficient_privilege USING MESSAGE = 'an approval stays what was asked, and ends once';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER hold_to_its_word BEFORE UPDATE ON approval"
        " FOR EACH ROW EXECUTE FUNCTION public.hold_approval_to_its_word()"
    )
    op.execute("REVOKE ALL ON FUNCTION public.hold_approval_to_its_word() FROM PUBLIC")


def _decisions() -> None:
    op.create_table(
        "approval_decision",
        _id(),
        sa.Column("approval_id", sa.Uuid, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("checker", sa.Text, nullable=False),
        sa.Column("authority", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["approval_id", "maker"], ["approval.id", "approval.maker"]),
        sa.UniqueConstraint("approval_id", "checker"),
        sa.UniqueConstraint("approval_id", "authority"),
        sa.CheckConstraint("verdict IN ('approve', 'refuse')", name="verdict"),
        sa.CheckConstraint("checker <> maker AND authority <> maker", name="two_people"),
        sa.CheckConstraint("verdict <> 'refuse' OR note IS NOT NULL", name="note"),
    )
    op.create_index(
        "uq_approval_decision_refusal",
        "approval_decision",
        ["approval_id"],
        unique=True,
        postgresql_where=sa.text("verdict = 'refuse'"),
    )
    grant("approval_decision", "select, insert")
    append_only("approval_decision")


def _remarks() -> None:
    op.create_table(
        "approval_remark",
        _id(),
        sa.Column("approval_id", sa.Uuid, sa.ForeignKey("approval.id"), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("noted_by", sa.Text, nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
    )
    op.create_index("ix_approval_remark_approval_id", "approval_remark", ["approval_id", "id"])
    grant("approval_remark", "select, insert")
    append_only("approval_remark")


def _rules() -> None:
    op.create_table(
        "approval_rule",
        _id(),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("one_from_cents", sa.BigInteger, nullable=False),
        sa.Column("two_from_cents", sa.BigInteger),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.UniqueConstraint("command", "starts_on"),
        sa.CheckConstraint("one_from_cents >= 0", name="one_from"),
        sa.CheckConstraint("two_from_cents >= one_from_cents", name="two_from"),
        sa.CheckConstraint("days BETWEEN 1 AND 90", name="days"),
        sa.CheckConstraint("btrim(decision) <> ''", name="decision"),
    )
    grant("approval_rule", "select, insert")
    append_only("approval_rule")


def _delegations() -> None:
    op.create_table(
        "approval_delegation",
        _id(),
        sa.Column("lender_id", sa.Uuid, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("stand_in_id", sa.Uuid, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("commands", sa.ARRAY(sa.Text)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.Text),
        sa.CheckConstraint("lender_id <> stand_in_id", name="two_people"),
        sa.CheckConstraint("ends_on >= starts_on", name="dates"),
        sa.CheckConstraint("cardinality(commands) > 0", name="commands"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
    )
    op.create_index(
        "ix_approval_delegation_stand_in_id",
        "approval_delegation",
        ["stand_in_id"],
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_approval_delegation_lender_id", "approval_delegation", ["lender_id"])
    grant("approval_delegation", "select, insert, update")
