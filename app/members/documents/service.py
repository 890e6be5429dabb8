"""Adding, replacing, removing and verifying members' documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, Date, cast, func, select, update
from sqlalchemy.exc import IntegrityError

from app import audit
from app.identity.service import authorise
from app.kernel import clock, files
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.files import FileState, Received
from app.kernel.files.models import StoredFile
from app.members import queries as members
from app.members.documents import queries
from app.members.documents.errors import (
    AlreadyThere,
    AlreadyVerified,
    DocumentEnded,
    NotYetChecked,
    SecondPersonNeeded,
)
from app.members.documents.models import DocumentKind, MemberDocument
from app.members.documents.purposes import DOCUMENT, PHOTO, YEARS_AFTER_MEMBERSHIP
from app.members.models import Member, MemberStatusChange
from app.members.states import MemberStatus

REPLACED = "Replaced by a newer one"
RETENTION = Actor.system("documents.date_retention")
ENDED = (MemberStatus.EXITED, MemberStatus.DECEASED)


def purpose_of(kind: DocumentKind) -> str:
    """What a file of this kind is kept for."""
    return PHOTO.name if kind is DocumentKind.PHOTO else DOCUMENT.name


def add(member_id: UUID, kind: DocumentKind, received: Received, *, note: str | None, by: Actor) -> UUID:
    """Put a document into a member's file; it counts as verified only once a second person has said so.

    Refuses with MemberMissing, and with AlreadyThere for a second one of which there is one at a time.
    """
    authorise(by, "members.add_documents", whereabouts=members.get(member_id).whereabouts)
    if kind.is_one and queries.standing(member_id, kind):
        raise AlreadyThere(kind)
    document = MemberDocument(member_id=member_id, kind=kind, note=note, added_by=by.principal)
    _save(document, received, by=by)
    _record("added", document, by=by, after={"kind": kind, "document": document.id})
    return document.id


def replace(member_id: UUID, document_id: UUID, received: Received, *, note: str | None, by: Actor) -> UUID:
    """Put a newer file in the place of a document, which stays in the history.

    Refuses with DocumentMissing and DocumentEnded.
    """
    authorise(by, "members.add_documents", whereabouts=members.get(member_id).whereabouts)
    old = _standing_document(member_id, document_id)
    _end(old, REPLACED, by=by)
    db.session.flush()  # the old one must have ended before the new one can stand
    document = MemberDocument(
        member_id=member_id, kind=old.kind, note=note, replaces_id=document_id, added_by=by.principal
    )
    _save(document, received, by=by)
    _record("replaced", document, by=by, before={"document": old.id}, after={"kind": old.kind, "document": document.id})
    return document.id


def remove(member_id: UUID, document_id: UUID, *, reason: str, by: Actor) -> None:
    """Take a document out of use. Its file stays as long as the law wants it kept.

    Refuses with DocumentMissing and DocumentEnded.
    """
    authorise(by, "members.add_documents", whereabouts=members.get(member_id).whereabouts)
    document = _standing_document(member_id, document_id)
    _end(document, reason, by=by)
    _record("removed", document, by=by, before={"kind": document.kind, "document": document.id}, after={"why": reason})


def verify(member_id: UUID, document_id: UUID, *, by: Actor) -> None:
    """Say that the document was compared with the paper and is right.

    Refuses with DocumentMissing, DocumentEnded, AlreadyVerified, SecondPersonNeeded and NotYetChecked.
    """
    authorise(by, "members.verify_documents", whereabouts=members.get(member_id).whereabouts)
    document = _standing_document(member_id, document_id)
    if document.verified_at is not None:
        raise AlreadyVerified
    if document.added_by == by.principal:
        raise SecondPersonNeeded
    if files.describe(document.file_id).state is not FileState.READY:
        raise NotYetChecked
    document.verified_at, document.verified_by = clock.now(), by.principal
    _record("verified", document, by=by, after={"kind": document.kind, "document": document.id})


def date_retention() -> None:
    """Say when the files of those who left may go, and take it back for those who did not leave after all."""
    left_on = (
        select(func.max(MemberStatusChange.changed_on))
        .where(MemberStatusChange.member_id == Member.id, MemberStatusChange.to_status.in_(ENDED))
        .scalar_subquery()
    )
    until = cast(left_on, Date) + func.make_interval(YEARS_AFTER_MEMBERSHIP)
    dated = _date(until, Member.status.in_(ENDED), StoredFile.keep_until.is_(None))
    taken_back = _date(None, Member.status.not_in(ENDED), StoredFile.keep_until.is_not(None))
    if dated or taken_back:
        audit.record(
            "members.documents_dated",
            subject=("retention", "member_document"),
            by=RETENTION,
            after={"dated": dated, "taken_back": taken_back, "years": YEARS_AFTER_MEMBERSHIP},
        )


def _date(until: ColumnElement[Any] | None, *which: ColumnElement[bool]) -> int:
    changed = db.session.scalars(
        update(StoredFile)
        .where(StoredFile.id == MemberDocument.file_id, MemberDocument.member_id == Member.id, *which)
        .values(keep_until=until)
        .returning(StoredFile.id)
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


def _standing_document(member_id: UUID, document_id: UUID) -> MemberDocument:
    document = queries.get_for_update(member_id, document_id)
    if not document.stands:
        raise DocumentEnded
    return document


def _save(document: MemberDocument, received: Received, *, by: Actor) -> None:
    document.file_id = files.store(received, by=by)
    db.session.add(document)
    try:
        db.session.flush()
    except IntegrityError as error:  # two officers at one moment: the index tells the second
        if isinstance(error.orig, UniqueViolation):
            raise AlreadyThere(document.kind) from None
        raise


def _end(document: MemberDocument, reason: str, *, by: Actor) -> None:
    document.ended_at, document.ended_by, document.end_reason = clock.now(), by.principal, reason


def _record(what: str, document: MemberDocument, *, by: Actor, **change: dict[str, object]) -> None:
    member = members.get(document.member_id)
    audit.record(f"members.document_{what}", subject=("member", member.id), by=by, branch_id=member.branch_id, **change)
