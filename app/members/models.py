"""Tables of the room: the register of members, their phones, their nominees and the history of their status."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Sequence,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import EncryptedPhone, EncryptedText, Instant, created_at, db, labelled, uuid_key
from app.kernel.enums import LabelledEnum
from app.kernel.phones import Phone
from app.kernel.reach import Whereabouts
from app.members import rules
from app.members.states import MemberStatus

member_number_sequence = Sequence("member_number_seq", metadata=db.metadata)

# Six digits at least; the pattern goes on growing after M999999.
NEXT_MEMBER_NUMBER = "'M' || to_char(nextval('member_number_seq'), 'FM999999000000')"


def _sql_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


# What ``rules.fold`` does in Python, so that search compares like with like. It begins with a space: " wa" then finds
# words that begin with "wa", which a trigram index can answer where two letters alone could not.
FOLDED_NAME = (
    "' ' || translate(lower(first_name || ' ' || coalesce(middle_name || ' ', '') || last_name), "
    f"{_sql_text(rules.ACCENTED + rules.DROPPED)}, {_sql_text(rules.PLAIN)})"
)

NOT_ENDED = text("status <> 'exited'")
PAYS_NOW = text("purpose = 'payment' AND ended_at IS NULL")
IN_USE = text("ended_at IS NULL")


class Gender(LabelledEnum):
    """As on the identity card."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    INTERSEX = "intersex", "Intersex"


class Language(LabelledEnum):
    """In which the society writes to a member."""

    ENGLISH = "en", "English"
    SWAHILI = "sw", "Swahili"


class PhonePurpose(LabelledEnum):
    """What a number is for."""

    PAYMENT = "payment", "Payments"
    CONTACT = "contact", "Other contact"


class Relationship(LabelledEnum):
    """What a nominee is to the member."""

    SPOUSE = "spouse", "Husband or wife"
    CHILD = "child", "Son or daughter"
    PARENT = "parent", "Father or mother"
    SIBLING = "sibling", "Brother or sister"
    RELATIVE = "relative", "Other relative"
    FRIEND = "friend", "Friend"


class Member(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One membership in the society. Who left and comes back is a new membership that points to the old one."""

    __tablename__ = "member"
    __table_args__ = (
        # A person has one membership at a time, so numbers are unique among those that have not ended.
        Index("uq_member_national_id_hash", "national_id_hash", unique=True, postgresql_where=NOT_ENDED),
        Index("uq_member_kra_pin_hash", "kra_pin_hash", unique=True, postgresql_where=NOT_ENDED),
        Index("ix_member_national_id_hash", "national_id_hash"),
        Index("ix_member_kra_pin_hash", "kra_pin_hash", postgresql_where=text("kra_pin_hash IS NOT NULL")),
        Index(
            "ix_member_search_name",
            "search_name",
            postgresql_using="gin",
            postgresql_ops={"search_name": "gin_trgm_ops"},
            postgresql_with={"fastupdate": "off"},  # searches stay fast while members are added
        ),
        Index("ix_member_branch_id_number", "branch_id", "number"),
        Index("ix_member_status_number", "status", "number"),
        Index("ix_member_officer_id_number", "officer_id", "number"),
        Index("ix_member_agent_id_number", "agent_id", "number"),
        Index("ix_member_joined_on", "joined_on"),
        CheckConstraint("number ~ '^M[0-9]{6,}$'", name="number"),
        CheckConstraint("btrim(first_name) <> '' AND btrim(last_name) <> ''", name="names"),
    )

    id: Mapped[UUID] = uuid_key()
    number: Mapped[str] = mapped_column(Text, unique=True, insert_default=text(NEXT_MEMBER_NUMBER))
    first_name: Mapped[str] = mapped_column(Text)
    middle_name: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    search_name: Mapped[str] = mapped_column(Text, Computed(FOLDED_NAME, persisted=True))
    national_id: Mapped[str] = mapped_column(EncryptedText)
    national_id_hash: Mapped[bytes] = mapped_column(LargeBinary)
    kra_pin: Mapped[str | None] = mapped_column(EncryptedText)
    kra_pin_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    born_on: Mapped[date]
    gender: Mapped[Gender] = mapped_column(labelled(Gender, "gender"))
    language: Mapped[Language] = mapped_column(labelled(Language, "language"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("ledger.branch.id"))
    officer_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))  # who looks after the member's loans
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))  # who visits the member in the field
    employer: Mapped[str | None] = mapped_column(Text)
    joined_on: Mapped[date]
    status: Mapped[MemberStatus] = mapped_column(labelled(MemberStatus, "status"), default=MemberStatus.ACTIVE)
    former_membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id"))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = mapped_column(Instant)

    __mapper_args__ = {"version_id_col": version}

    @property
    def name(self) -> str:
        """The full name, as on the identity card."""
        return rules.full_name(self.first_name, self.middle_name, self.last_name)

    @property
    def whereabouts(self) -> Whereabouts:
        """Where the member belongs, and who looks after the member."""
        return Whereabouts(self.branch_id, self.officer_id, self.agent_id)

    @property
    def initials(self) -> str:
        """Two letters in place of a photo."""
        return (self.first_name[0] + self.last_name[0]).upper()

    def __str__(self) -> str:
        return f"{self.name} · {self.number}"


class MemberPhone(db.Model):  # type: ignore[name-defined]
    """A number of a member, now or once. Rows are ended, not deleted: who could be reached where stays known."""

    __tablename__ = "member_phone"
    __table_args__ = (
        Index("uq_member_phone_payment_member_id", "member_id", unique=True, postgresql_where=PAYS_NOW),
        # Money that arrives from a phone must point to one member.
        Index("uq_member_phone_payment_number_hash", "number_hash", unique=True, postgresql_where=PAYS_NOW),
        Index("ix_member_phone_member_id", "member_id"),
        Index("ix_member_phone_number_hash", "number_hash", postgresql_where=IN_USE),
        Index("ix_member_phone_last_four_hash", "last_four_hash", postgresql_where=IN_USE),
        Index("ix_member_phone_last_six_hash", "last_six_hash", postgresql_where=IN_USE),
        Index("ix_member_phone_digest_hash", "digest_hash", postgresql_where=IN_USE),
    )

    id: Mapped[UUID] = uuid_key()
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    purpose: Mapped[PhonePurpose] = mapped_column(labelled(PhonePurpose, "purpose"))
    phone: Mapped[Phone] = mapped_column(EncryptedPhone)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_four_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_six_hash: Mapped[bytes] = mapped_column(LargeBinary)
    digest_hash: Mapped[bytes] = mapped_column(LargeBinary)  # of the SHA-256 by which M-PESA names a payer
    verified_at: Mapped[datetime | None] = mapped_column(Instant)  # a code that was sent there came back
    money_out_from: Mapped[datetime | None] = mapped_column(Instant)  # cooling-off after a change
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)


class NextOfKin(db.Model):  # type: ignore[name-defined]
    """Somebody to call, and with a share a nominee who receives that part when the member dies. Ended, not deleted."""

    __tablename__ = "next_of_kin"
    __table_args__ = (
        CheckConstraint("share_percent > 0 AND share_percent <= 100", name="share_percent"),
        Index("ix_next_of_kin_member_id", "member_id"),
    )

    id: Mapped[UUID] = uuid_key()
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    relationship: Mapped[Relationship] = mapped_column(labelled(Relationship, "relationship"))
    phone: Mapped[Phone | None] = mapped_column(EncryptedPhone)
    share_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)


class MemberStatusChange(db.Model):  # type: ignore[name-defined]
    """One step of a membership: from what to what, since when, why and by whom. Only ever added to."""

    __tablename__ = "member_status_change"
    __table_args__ = (
        Index("ix_member_status_change_member_id", "member_id"),
        CheckConstraint("btrim(reason) <> ''", name="reason"),
    )

    id: Mapped[UUID] = uuid_key()
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    from_status: Mapped[MemberStatus | None] = mapped_column(labelled(MemberStatus, "from_status"))
    to_status: Mapped[MemberStatus] = mapped_column(labelled(MemberStatus, "to_status"))
    reason: Mapped[str] = mapped_column(Text)
    changed_on: Mapped[date]
    changed_at: Mapped[datetime] = created_at()
    changed_by: Mapped[str] = mapped_column(Text)
