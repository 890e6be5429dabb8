"""Files as encrypted chunks in PostgreSQL, written and read one at a time so that no file is ever whole in memory.

Each chunk is sealed together with its file, its part, its number and whether it is the last. A chunk that is altered,
exchanged, put in another order, or missing at the end does not open.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from app.kernel.database import db
from app.kernel.encryption import KeyMissing, keyring
from app.kernel.files.errors import FileDamaged
from app.kernel.files.models import StoredFileChunk
from app.kernel.files.states import FilePart
from app.kernel.rotation import is_old

CHUNK_BYTES = 256 * 1024
ROTATED_TOGETHER = 20  # chunks under a new key in one transaction: 5 MB

security = logging.getLogger("security")


@dataclass(frozen=True, slots=True)
class Digest:
    """What was read or written: how much, and its SHA-256."""

    size_bytes: int
    sha256: bytes


def digest_of(content: BinaryIO) -> Digest:
    """Size and SHA-256 of a stream, from its beginning; it is left there again."""
    content.seek(0)
    size, sha256 = 0, hashlib.sha256()
    while piece := content.read(CHUNK_BYTES):
        size += len(piece)
        sha256.update(piece)
    content.seek(0)
    return Digest(size, sha256.digest())


def write(file_id: UUID, part: FilePart, content: BinaryIO) -> None:
    """Store a part of a file, from the beginning of the stream to its end."""
    content.seek(0)
    number, piece = 0, content.read(CHUNK_BYTES)
    while piece:
        following = content.read(CHUNK_BYTES)
        sealed = keyring().encrypt(piece, context=_place(file_id, part, number, is_last=not following))
        db.session.execute(insert(StoredFileChunk).values(file_id=file_id, part=part, number=number, sealed=sealed))
        number, piece = number + 1, following


def read(file_id: UUID, part: FilePart, expected: Digest | None = None) -> Iterator[bytes]:
    """The pieces of a part, each from a query of its own. Refuses with FileDamaged before the first piece that is not
    as it was stored, and before the last when the whole does not have the digest that is ``expected``.
    """
    sha256 = hashlib.sha256()
    number, is_last = 0, False
    while not is_last:
        piece, is_last = _open(file_id, part, number)
        sha256.update(piece)
        if is_last and expected is not None and sha256.digest() != expected.sha256:
            raise _damaged(file_id, part, number)
        yield piece
        number += 1


def forget(file_ids: Sequence[UUID]) -> None:
    """Delete everything that is kept of these files."""
    db.session.execute(delete(StoredFileChunk).where(StoredFileChunk.file_id.in_(file_ids)))


def replace(file_id: UUID, part: FilePart, content: BinaryIO) -> None:
    """Store a part of a file in the place of what was there."""
    db.session.execute(delete(StoredFileChunk).where(StoredFileChunk.file_id == file_id, StoredFileChunk.part == part))
    write(file_id, part, content)


def rotate_some() -> int:
    """Bring some chunks under the current key; returns how many, 0 when none is left."""
    key = (StoredFileChunk.file_id, StoredFileChunk.part, StoredFileChunk.number)
    rows = db.session.execute(
        select(*key, StoredFileChunk.sealed)
        .where(is_old(StoredFileChunk.__table__.c.sealed))
        .limit(ROTATED_TOGETHER)
        .with_for_update(skip_locked=True)
    ).all()
    for file_id, part, number, sealed in rows:
        piece, is_last = _unseal(file_id, part, number, bytes(sealed))
        fresh = keyring().encrypt(piece, context=_place(file_id, part, number, is_last=is_last))
        db.session.execute(
            update(StoredFileChunk)
            .where(*(column == value for column, value in zip(key, (file_id, part, number), strict=True)))
            .values(sealed=fresh)
        )
    return len(rows)


def _open(file_id: UUID, part: FilePart, number: int) -> tuple[bytes, bool]:
    sealed = db.session.scalar(
        select(StoredFileChunk.sealed).where(
            StoredFileChunk.file_id == file_id, StoredFileChunk.part == part, StoredFileChunk.number == number
        )
    )
    if sealed is None:
        raise _damaged(file_id, part, number)
    return _unseal(file_id, part, number, bytes(sealed))


def _unseal(file_id: UUID, part: FilePart, number: int, sealed: bytes) -> tuple[bytes, bool]:
    """The piece, and whether it is the last: the seal knows, and nothing beside it is believed."""
    for is_last in (False, True):
        try:
            return keyring().decrypt(sealed, context=_place(file_id, part, number, is_last=is_last)), is_last
        except (KeyMissing, ValueError, IndexError):  # cut short, it has no whole nonce
            continue
    raise _damaged(file_id, part, number)


def _place(file_id: UUID, part: FilePart, number: int, *, is_last: bool) -> bytes:
    return file_id.bytes + part.value.encode() + number.to_bytes(4, "big") + (b"!" if is_last else b".")


def _damaged(file_id: UUID, part: FilePart, number: int) -> FileDamaged:
    security.error("stored_file_altered", extra={"file_id": str(file_id), "part": part.value, "chunk": number})
    return FileDamaged()
