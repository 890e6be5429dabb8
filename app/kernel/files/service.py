"""Taking files in, and letting them go: nothing here knows what a file is for but its purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import func, select, update

from app.kernel import clock, doorbell
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.files import chunks, confinement, malware, names, purposes, witness
from app.kernel.files.errors import FileMissing, FileRefused, FileTooLarge
from app.kernel.files.kinds import Kind, words_for
from app.kernel.files.models import StoredFile
from app.kernel.files.purposes import Purpose
from app.kernel.files.states import FileState, PreviewState, Verdict

DELETED_TOGETHER = 50  # files whose chunks go in one transaction
HEIC = (".heic", ".heif")
RETENTION = Actor.system("files.delete_expired")


@dataclass(frozen=True, slots=True)
class Received:
    """A file of somebody's that was looked at and may be stored."""

    content: BinaryIO
    name: str
    kind: Kind
    purpose: Purpose
    digest: chunks.Digest


def receive(content: BinaryIO, *, name: str, purpose: str) -> Received:
    """Look at what somebody sent: its size, its name, and whether it is what the name says.

    Takes a moment and runs a process, so it is done before the transaction. Refuses with FileRefused and FileTooLarge.
    """
    meant = purposes.named(purpose)
    cleaned = names.clean(name)
    digest = chunks.digest_of(content)
    if digest.size_bytes == 0:
        raise FileRefused("Choose a file; an empty one says nothing.")
    if digest.size_bytes > meant.largest_bytes:
        raise FileTooLarge(meant.largest_bytes)
    kind = Kind.of_name(cleaned)
    if kind is None or kind not in meant.kinds:
        raise FileRefused(_why_not(cleaned, meant))
    confinement.inspect(content, kind)
    return Received(content, cleaned, kind, meant, digest)


def store(
    content: BinaryIO | Received,
    *,
    by: Actor,
    name: str = "",
    purpose: str = "",
    keep_until: datetime | None = None,
) -> UUID:
    """Keep a file, encrypted. What somebody sent is first checked by a job and given out only then; what this system
    made itself is ready at once.

    Give it what ``receive`` returned, or a stream with its name and purpose. Refuses as ``receive`` does.
    """
    received = content if isinstance(content, Received) else _taken(content, name, purpose)
    at, meant = clock.now(), received.purpose
    row = StoredFile(
        purpose=meant.name,
        name=received.name,
        kind=received.kind,
        size_bytes=received.digest.size_bytes,
        sha256=received.digest.sha256,
        received_sha256=received.digest.sha256,
        keep_until=keep_until or meant.keep_until(at),
        created_by=by.principal,
        **_first_steps(received),
    )
    db.session.add(row)
    db.session.flush()  # the seal of each chunk needs the id
    chunks.write(row.id, chunks.FilePart.CONTENT, received.content)
    witness.tell("files.stored", row.id, by=by, purpose=meant.name, kind=received.kind, bytes=row.size_bytes)
    if row.state is FileState.QUARANTINED:
        doorbell.ring("files.examine", row.id)
    return row.id


def set_keep_until(file_ids: Sequence[UUID], until: datetime | None) -> None:
    """Say when files may go, or that they stay until further notice."""
    db.session.execute(update(StoredFile).where(StoredFile.id.in_(file_ids)).values(keep_until=until))


def hold(file_id: UUID, reason: str, *, by: Actor) -> None:
    """Put a legal hold on a file: nothing deletes it while it lasts. Refuses with FileMissing."""
    _locked(file_id).held_because = reason
    witness.tell("files.held", file_id, by=by, reason=reason)


def release(file_id: UUID, *, by: Actor) -> None:
    """End a legal hold. Refuses with FileMissing."""
    _locked(file_id).held_because = None
    witness.tell("files.released", file_id, by=by)


def delete_some_expired() -> int:
    """Delete the content of some files whose time has passed; their rows stay, and a legal hold keeps a file beyond it.

    Returns how many, 0 when none is left.
    """
    at = clock.now()
    expired = (
        select(StoredFile.id)
        .where(
            StoredFile.keep_until <= at,
            StoredFile.deleted_at.is_(None),
            StoredFile.held_because.is_(None),
        )
        .order_by(StoredFile.keep_until)
        .limit(DELETED_TOGETHER)
        .with_for_update(skip_locked=True)
    )
    ids = list(db.session.scalars(expired))
    if ids:
        chunks.forget(ids)
        db.session.execute(
            update(StoredFile)
            .where(StoredFile.id.in_(ids))
            .values(
                state=FileState.DELETED,
                preview=PreviewState.NONE,
                deleted_at=at,
                due_at=None,
                leased_until=None,
                fence=func.coalesce(StoredFile.fence, 0) + 1,  # a check that is under way must not bring it back
            )
        )
        for file_id in ids:
            witness.tell("files.deleted", file_id, by=RETENTION)
    return len(ids)


def _taken(content: BinaryIO, name: str, purpose: str) -> Received:
    meant = purposes.named(purpose)
    if not meant.is_ours:
        return receive(content, name=name, purpose=purpose)
    kind = Kind.of_name(name)
    assert kind in meant.kinds, f"no {purpose} ends like {name}"
    digest = chunks.digest_of(content)
    if digest.size_bytes > meant.largest_bytes:
        raise FileTooLarge(meant.largest_bytes)
    return Received(content, names.clean(name), kind, meant, digest)


def _first_steps(received: Received) -> dict[str, object]:
    """What has to be done before the file may leave: a scan, a picture, both or nothing."""
    if received.purpose.is_ours:
        return {"state": FileState.READY, "verdict": Verdict.OURS, "preview": PreviewState.NONE}
    is_scanned = malware.scanner() is not None
    wants_picture = received.kind.has_preview
    waits = is_scanned or wants_picture
    return {
        "state": FileState.QUARANTINED if waits else FileState.READY,
        "verdict": Verdict.WAITING if is_scanned else Verdict.NOT_SCANNED,
        "preview": PreviewState.WAITING if wants_picture else PreviewState.NONE,
        "due_at": clock.now() if waits else None,
    }


def _why_not(name: str, purpose: Purpose) -> str:
    if name.lower().endswith(HEIC):
        return "This picture is in Apple's own format. Set the camera to “Most compatible”, or send a JPEG."
    return f"This is not a kind of file that is taken here. Send one that ends in {words_for(purpose.kinds)}."


def _locked(file_id: UUID) -> StoredFile:
    row = db.session.get(StoredFile, file_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise FileMissing
    return row
