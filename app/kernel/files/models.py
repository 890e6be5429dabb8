"""Tables of stored files: one row a file, its content in encrypted chunks, and exports that are made into files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import EncryptedJson, EncryptedText, Instant, created_at, db, labelled, uuid_key
from app.kernel.files.kinds import Kind
from app.kernel.files.states import ExportState, FilePart, FileState, PreviewState, Verdict
from app.kernel.leases import Leased

SEALED_AT_MOST = 256 * 1024 + 128  # a chunk, and what its seal adds
IS_DUE = text("due_at IS NOT NULL")
MAY_GO = text("keep_until IS NOT NULL AND deleted_at IS NULL")


class StoredFile(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One file. When its time is over its chunks go and the row stays, to say that there was one."""

    __tablename__ = "stored_file"
    __table_args__ = (
        Index("ix_stored_file_due_at", "due_at", postgresql_where=IS_DUE),
        Index("ix_stored_file_keep_until", "keep_until", postgresql_where=MAY_GO),
        CheckConstraint("size_bytes > 0", name="size"),
        CheckConstraint("octet_length(sha256) = 32 AND octet_length(received_sha256) = 32", name="digests"),
        CheckConstraint("(state = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
        CheckConstraint("NOT (state = 'ready' AND verdict IN ('waiting', 'infected'))", name="only_clean_files_leave"),
    )

    id: Mapped[UUID] = uuid_key()
    purpose: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(EncryptedText)  # of the sender's making, for people to recognise it by
    kind: Mapped[Kind] = mapped_column(labelled(Kind, "kind"))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    received_sha256: Mapped[bytes] = mapped_column(LargeBinary)  # of what arrived, before a picture was made anew
    state: Mapped[FileState] = mapped_column(labelled(FileState, "state"))
    verdict: Mapped[Verdict] = mapped_column(labelled(Verdict, "verdict"))
    malware: Mapped[str | None] = mapped_column(Text)  # what the scanner calls it
    preview: Mapped[PreviewState] = mapped_column(labelled(PreviewState, "preview"))
    trouble: Mapped[str | None] = mapped_column(Text)  # why a check or a picture failed, for the operator
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    keep_until: Mapped[datetime | None] = mapped_column(Instant)
    held_because: Mapped[str | None] = mapped_column(Text)  # a legal hold: nothing is deleted while it lasts
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)


class StoredFileChunk(db.Model):  # type: ignore[name-defined]
    """A piece of a file, sealed so that it fits its own place only."""

    __tablename__ = "stored_file_chunk"
    __table_args__ = (CheckConstraint(f"octet_length(sealed) <= {SEALED_AT_MOST}", name="size"),)

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id"), primary_key=True)
    part: Mapped[FilePart] = mapped_column(labelled(FilePart, "part"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ExportJob(Leased, db.Model):  # type: ignore[name-defined]
    """A table that somebody asked for: what it shall hold, how far it is, and the file once it is there."""

    __tablename__ = "export_job"
    __table_args__ = (
        Index("ix_export_job_due_at", "due_at", postgresql_where=IS_DUE),
        Index("ix_export_job_asked_by", "asked_by", "asked_at", "id"),
        CheckConstraint("(state = 'ready') = (file_id IS NOT NULL)", name="file"),
    )

    id: Mapped[UUID] = uuid_key()
    exporter: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    inputs: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)
    kind: Mapped[Kind] = mapped_column(labelled(Kind, "kind"))
    asked_by: Mapped[str] = mapped_column(Text)
    actor: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)  # whoever asked, as the exporter is told
    asked_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[ExportState] = mapped_column(labelled(ExportState, "state"))
    started_at: Mapped[datetime | None] = mapped_column(Instant)  # of the latest attempt
    rows_done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    rows_expected: Mapped[int | None] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    trouble: Mapped[str | None] = mapped_column(Text)
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
