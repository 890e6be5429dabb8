"""Reading files back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import func, select

from app.kernel.database import db
from app.kernel.files import chunks, names
from app.kernel.files.chunks import Digest
from app.kernel.files.errors import FileBlocked, FileDeleted, FileMissing, FileNotReady
from app.kernel.files.kinds import Kind
from app.kernel.files.models import StoredFile
from app.kernel.files.states import FilePart, FileState, PreviewState, Verdict
from app.kernel.leases import is_due

DUE_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Description:
    """What is known about a file without opening it."""

    id: UUID
    purpose: str
    name: str
    kind: Kind
    size_bytes: int
    sha256: bytes
    received_sha256: bytes
    state: FileState
    verdict: Verdict
    malware: str | None
    preview: PreviewState
    keep_until: datetime | None
    held_because: str | None
    created_at: datetime
    created_by: str
    deleted_at: datetime | None

    @property
    def served_name(self) -> str:
        """The name under which it leaves."""
        return names.served(self.name, self.kind)

    @property
    def has_picture(self) -> bool:
        """Whether a preview and a thumbnail can be shown."""
        return self.state is FileState.READY and self.preview is PreviewState.READY

    @property
    def size(self) -> str:
        """``312 KB`` or ``2.4 MB``."""
        kilobytes = -(-self.size_bytes // 1024)
        return f"{kilobytes:,} KB" if kilobytes < 1000 else f"{kilobytes // 1024}.{kilobytes % 1024 * 10 // 1024} MB"


_COLUMNS = [getattr(StoredFile, name) for name in Description.__dataclass_fields__]


def describe(file_id: UUID) -> Description:
    """What is known about one file, deleted ones included. Refuses with FileMissing."""
    found = describe_all([file_id])
    if file_id not in found:
        raise FileMissing
    return found[file_id]


def describe_all(file_ids: Collection[UUID]) -> dict[UUID, Description]:
    """The same for several, in one query."""
    rows = db.session.execute(select(*_COLUMNS).where(StoredFile.id.in_(file_ids)))
    return {row[0]: Description(*row) for row in rows}


def read(file_id: UUID) -> Iterator[bytes]:
    """The content of a file that may leave, in pieces, each from a query of its own.

    Refuses with FileMissing, FileDeleted, FileNotReady, FileBlocked, and with FileDamaged before the first piece that
    is not as it was stored.
    """
    described = refuse_closed(file_id)
    return chunks.read(file_id, FilePart.CONTENT, Digest(described.size_bytes, described.sha256))


def read_picture(file_id: UUID, part: FilePart) -> bytes:
    """The preview or the thumbnail (WebP). Refuses as ``read`` does, and with FileMissing when there is none."""
    if not refuse_closed(file_id).has_picture:
        raise FileMissing
    return b"".join(chunks.read(file_id, part))


def refuse_closed(file_id: UUID) -> Description:
    """What is known about a file that may leave. Refuses all others, saying why."""
    described = describe(file_id)
    match described.state:
        case FileState.READY:
            return described
        case FileState.DELETED:
            assert described.deleted_at is not None, "the database holds to it"
            raise FileDeleted(described.deleted_at)
        case FileState.QUARANTINED:
            raise FileNotReady
        case _:
            raise FileBlocked(described.state.label)


def copy_to_check(file_id: UUID, into: BinaryIO) -> None:
    """The content of a file in whatever state, for the check that decides whether it may leave."""
    into.seek(0)
    into.truncate()
    for piece in chunks.read(file_id, FilePart.CONTENT):
        into.write(piece)
    into.seek(0)


def quarantined() -> int:
    """How many files wait for their check."""
    waiting = select(func.count()).select_from(StoredFile).where(StoredFile.state == FileState.QUARANTINED)
    return db.session.scalar(waiting.where(StoredFile.due_at.is_not(None))) or 0


def to_examine() -> Sequence[UUID]:
    """Files that wait for their check and that nobody is at."""
    waiting = select(StoredFile.id).where(is_due(StoredFile)).order_by(StoredFile.due_at).limit(DUE_TOGETHER)
    return db.session.scalars(waiting).all()
