"""The table of members' documents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Instant, created_at, db, labelled, uuid_key
from app.kernel.enums import LabelledEnum


class DocumentKind(LabelledEnum):
    """What a document is."""

    ID_FRONT = "id_front", "National ID, front"
    ID_BACK = "id_back", "National ID, back"
    KRA_PIN = "kra_pin", "KRA PIN certificate"
    PHOTO = "photo", "Photo"
    SIGNATURE = "signature", "Specimen signature"
    PAYSLIP = "payslip", "Payslip"
    OTHER = "other", "Other"

    @property
    def is_one(self) -> bool:
        """Whether a member has one at a time; a new one replaces it."""
        return self not in (DocumentKind.PAYSLIP, DocumentKind.OTHER)


STANDS = text("ended_at IS NULL AND kind NOT IN ('payslip', 'other')")


class MemberDocument(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """A document of a member, now or once. Rows are ended, not deleted; the file goes when the law lets it."""

    __tablename__ = "member_document"
    __table_args__ = (
        Index("ix_member_document_member_id", "member_id", "added_at"),
        Index("uq_member_document_standing", "member_id", "kind", unique=True, postgresql_where=STANDS),
        # Two people: who brings a document cannot be the one who says that it is right.
        CheckConstraint("verified_by <> added_by", name="second_person"),
        CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verified"),
        CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)", name="ended"
        ),
    )

    id: Mapped[UUID] = uuid_key()
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[DocumentKind] = mapped_column(labelled(DocumentKind, "kind"))
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    note: Mapped[str | None] = mapped_column(Text)
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_document.id"), unique=True)
    added_at: Mapped[datetime] = created_at()
    added_by: Mapped[str] = mapped_column(Text)
    verified_at: Mapped[datetime | None] = mapped_column(Instant)
    verified_by: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)
    end_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def stands(self) -> bool:
        """Whether it is neither removed nor replaced."""
        return self.ended_at is None
