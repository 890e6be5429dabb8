"""Reading members' documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.kernel import files
from app.kernel.database import db
from app.kernel.files import Description, FileState, PreviewState
from app.kernel.files.models import StoredFile
from app.kernel.reach import Whereabouts
from app.members import queries as members
from app.members.documents.errors import DocumentMissing
from app.members.documents.models import DocumentKind, MemberDocument


@dataclass(frozen=True, slots=True)
class Shown:
    """A document and its file."""

    document: MemberDocument
    file: Description


def of_member(member_id: UUID) -> Sequence[Shown]:
    """Every document a member has or had, the newest first."""
    rows = db.session.scalars(
        select(MemberDocument)
        .where(MemberDocument.member_id == member_id)
        .order_by(MemberDocument.added_at.desc(), MemberDocument.id.desc())
    ).all()
    described = files.describe_all([row.file_id for row in rows])
    return [Shown(row, described[row.file_id]) for row in rows]


def get(member_id: UUID, document_id: UUID) -> Shown:
    """One document of this member. Refuses with DocumentMissing, also for a document of somebody else's."""
    row = db.session.get(MemberDocument, document_id)
    if row is None or row.member_id != member_id:
        raise DocumentMissing
    return Shown(row, files.describe(row.file_id))


def get_for_update(member_id: UUID, document_id: UUID) -> MemberDocument:
    """The same, locked until the transaction ends."""
    row = db.session.get(MemberDocument, document_id, with_for_update=True, populate_existing=True)
    if row is None or row.member_id != member_id:
        raise DocumentMissing
    return row


def standing(member_id: UUID, kind: DocumentKind) -> UUID | None:
    """The document of a kind that a member has one of, if there is one."""
    return db.session.scalar(
        select(MemberDocument.id).where(
            MemberDocument.member_id == member_id, MemberDocument.kind == kind, MemberDocument.ended_at.is_(None)
        )
    )


def photo(member_id: UUID) -> UUID | None:
    """The file of the member's photo, once it can be shown."""
    return db.session.scalar(
        select(MemberDocument.file_id)
        .join(StoredFile, StoredFile.id == MemberDocument.file_id)
        .where(
            MemberDocument.member_id == member_id,
            MemberDocument.kind == DocumentKind.PHOTO,
            MemberDocument.ended_at.is_(None),
            StoredFile.state == FileState.READY,
            StoredFile.preview == PreviewState.READY,
        )
    )


def whereabouts(document_id: UUID) -> Whereabouts | None:
    """A document belongs where its member does; None if there is none."""
    member_id = db.session.scalar(select(MemberDocument.member_id).where(MemberDocument.id == document_id))
    return members.whereabouts(member_id) if member_id else None
