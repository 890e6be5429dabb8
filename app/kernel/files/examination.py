"""The check of a file that somebody sent: first the scanner, then a picture made anew. Only then it may leave."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.kernel import clock, leases
from app.kernel.actor import Actor
from app.kernel.files import chunks, confinement, malware, purposes, witness
from app.kernel.files.chunks import FilePart
from app.kernel.files.kinds import Kind
from app.kernel.files.models import StoredFile
from app.kernel.files.states import FileState, PreviewState, Verdict

LEASE_SECONDS = 150  # the scanner's time, the workshop's, and some for a slow disk
MOST_ATTEMPTS = 3  # a worker that dies over a file three times does so because of the file
AGAIN_SECONDS = 30
AGAIN_AT_MOST_SECONDS = 600

security = logging.getLogger("security")


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker has to do with one file."""

    file_id: UUID
    kind: Kind
    wants_scan: bool
    wants_picture: bool
    is_face: bool
    fence: int


def claim(file_id: UUID) -> Task | None:
    """Take a file to check it; None when it is not due, or when workers were lost over it often enough."""
    row = leases.claim(StoredFile, file_id, seconds=LEASE_SECONDS)
    if row is None:
        return None
    row.attempts += 1
    wants_scan = row.verdict is Verdict.WAITING
    if row.attempts > MOST_ATTEMPTS and not wants_scan:
        _close(row, None, trouble=f"{MOST_ATTEMPTS} workers were lost over it")
        return None
    return Task(
        file_id,
        row.kind,
        wants_scan=wants_scan,
        wants_picture=row.preview is PreviewState.WAITING,
        is_face=purposes.named(row.purpose).is_face,
        fence=row.fence,
    )


def scan(task: Task, content: io.BufferedRandom) -> str | None:
    """Ask the scanner; what it found, or None. Raises ScannerDown, also when it was taken out of service meanwhile."""
    scanner = malware.scanner()
    if scanner is None:
        raise malware.ScannerDown("no scanner is set up any more")
    return scanner.scan(content)


def record_verdict(task: Task, found: str | None) -> None:
    """Note what the scanner said. What is infected stays where it is, for good."""
    row = leases.hold(StoredFile, task.file_id, fence=task.fence)
    row.attempts = 1
    if found is None:
        row.verdict = Verdict.CLEAN
        return
    row.verdict, row.malware, row.state, row.preview = Verdict.INFECTED, found, FileState.INFECTED, PreviewState.NONE
    leases.done(row)
    witness.tell("files.blocked", row.id, by=Actor.system("files.examine"), malware=found, purpose=row.purpose)
    security.warning(
        "malware_found",
        extra={"file_id": str(row.id), "malware": found, "purpose": row.purpose, "sender": row.created_by},
    )


def put_off(task: Task, trouble: str) -> None:
    """The scanner gave no answer: the file stays in quarantine, and is tried again after a growing pause."""
    row = leases.hold(StoredFile, task.file_id, fence=task.fence)
    pause = min(AGAIN_SECONDS * 2 ** min(row.attempts, 10), AGAIN_AT_MOST_SECONDS)
    row.trouble = trouble
    leases.done(row, next_at=clock.now() + timedelta(seconds=pause))


def make_pictures(task: Task, content: io.BufferedRandom) -> dict[str, bytes] | None:
    """A preview and a thumbnail, and a picture's own content without what its camera wrote; None when it cannot be."""
    if not task.wants_picture:
        return {}
    try:
        return confinement.pictures(content, task.kind, square=task.is_face)
    except confinement.Unreadable:
        return None


def finish(task: Task, pictures: dict[str, bytes] | None) -> None:
    """Store what was made and let the file leave; a picture that could not be read stays closed."""
    _close(leases.hold(StoredFile, task.file_id, fence=task.fence), pictures, trouble="it could not be opened")


def give_up(task: Task, trouble: str) -> None:
    """What is stored is not what was sent: nobody gets it."""
    row = leases.hold(StoredFile, task.file_id, fence=task.fence)
    row.state, row.preview, row.trouble = FileState.UNREADABLE, PreviewState.FAILED, trouble
    leases.done(row)


def _close(row: StoredFile, pictures: dict[str, bytes] | None, *, trouble: str) -> None:
    leases.done(row)
    if pictures is None:
        row.preview, row.trouble = PreviewState.FAILED, trouble
        # Who sent a paper may have it back without a preview. A picture leaves only as we made it.
        row.state = FileState.UNREADABLE if row.kind.is_image else FileState.READY
        return
    for part, made in pictures.items():
        chunks.replace(row.id, FilePart(part), io.BytesIO(made))
    if content := pictures.get(FilePart.CONTENT):
        digest = chunks.digest_of(io.BytesIO(content))
        row.kind, row.size_bytes, row.sha256 = Kind.JPEG, digest.size_bytes, digest.sha256
    row.state, row.trouble = FileState.READY, None
    row.preview = PreviewState.READY if pictures else PreviewState.NONE
